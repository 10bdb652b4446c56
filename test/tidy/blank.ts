/**
 * The code with every comment and the inside of every string and regular expression replaced by spaces, so that
 * a rule about code is not broken by a sentence about it. Lines and columns stay. Templates keep their `${}` parts.
 */
export function blanked(text: string): string {
  let result = '';
  let at = 0;
  // Braces that are open inside each template that is open: a '}' at 0 goes back into its text.
  const templates: number[] = [];
  const take = (end: number, hide: boolean): void => {
    const part = text.slice(at, end);
    result += hide ? part.replace(/[^\n]/g, ' ') : part;
    at = end;
  };
  const string = (end: number): void => {
    take(at + 1, false);
    take(end, true);
    take(Math.min(end + 1, text.length), false);
  };
  while (at < text.length) {
    const two = text.slice(at, at + 2);
    const one = two.charAt(0);
    if (two === '//') take(endOf(text, /\n|$/g, at), true);
    else if (two === '/*') take(endOf(text, /\*\/|$/g, at + 2, true), true);
    else if (one === "'" || one === '"') string(closing(text, at, one));
    else if (one === '/' && startsRegex(result)) string(closingRegex(text, at));
    else if (one === '`' || (one === '}' && templates.at(-1) === 0)) {
      if (one === '}') templates.pop();
      const end = templateEnd(text, at + 1);
      string(end);
      if (text[end] === '$') {
        take(at + 1, false);
        templates.push(0);
      }
    } else {
      if (one === '{' && templates.length > 0) templates.push((templates.pop() ?? 0) + 1);
      if (one === '}' && templates.length > 0) templates.push((templates.pop() ?? 0) - 1);
      take(Math.max(at + 1, endOf(text, /['"`/{}]|$/g, at + 1)), false);
    }
  }
  return result;
}

function endOf(text: string, pattern: RegExp, from: number, inclusive = false): number {
  pattern.lastIndex = from;
  const match = pattern.exec(text);
  return match === null ? text.length : match.index + (inclusive ? match[0].length : 0);
}

/** Index of the quote that closes the string at `from`; of the line's end when nothing does. */
function closing(text: string, from: number, quote: string): number {
  let at = from + 1;
  while (at < text.length && text[at] !== quote && text[at] !== '\n') at += text[at] === '\\' ? 2 : 1;
  return at;
}

/** Index of the '`' or of the '$' of '${' that ends this piece of a template. */
function templateEnd(text: string, from: number): number {
  let at = from;
  while (at < text.length && text[at] !== '`' && text.slice(at, at + 2) !== '${') at += text[at] === '\\' ? 2 : 1;
  return at;
}

function closingRegex(text: string, from: number): number {
  let at = from + 1;
  let inClass = false;
  while (at < text.length && text[at] !== '\n' && (inClass || text[at] !== '/')) {
    if (text[at] === '[') inClass = true;
    if (text[at] === ']') inClass = false;
    at += text[at] === '\\' ? 2 : 1;
  }
  return at;
}

/** A '/' after an operator or a keyword begins a regular expression, after a value it divides. */
function startsRegex(before: string): boolean {
  return /(?:^|[(,=:[!&|?{};+>~]|\b(?:return|typeof|case|in|of))\s*$/.test(before.slice(-40));
}
