/** Functions that do not fit on a screen. */
import { type Breach, isTest, type Source } from './source.ts';

export const LONGEST_FUNCTION_LINES = 70;

/** An open bracket while the code is read. */
interface Frame {
  bracket: string;
  /** Where the statement or argument that stands before the next '{' begins. */
  headStart: number;
  /** Line of the '{' when it opens the body of a function. */
  functionLine: number | null;
  /** The '{' opens an object or a type, after which the statement goes on. */
  literal: boolean;
}

export function functionBreaches(source: Source): Breach[] {
  if (isTest(source.path)) return [];
  return functionLengths(source.code)
    .filter(({ lines }) => lines > LONGEST_FUNCTION_LINES)
    .map(({ line, lines }) => ({
      path: source.path,
      message: `the function of line ${line} has ${lines} lines; split it by what it does, ${LONGEST_FUNCTION_LINES} are the most`,
    }));
}

/** Where the bodies of functions begin (1-based) and how many lines they have, in blanked code. A rough reading: brackets only. */
export function functionLengths(code: string): { line: number; lines: number }[] {
  const found: { line: number; lines: number }[] = [];
  const frames: Frame[] = [{ bracket: '', headStart: 0, functionLine: null, literal: false }];
  let line = 1;
  for (let at = 0; at < code.length; at++) {
    const char = code.charAt(at);
    const frame = frames.at(-1) as Frame;
    if (char === '\n') line++;
    else if (char === ';' || (char === ',' && frame.bracket === '(')) frame.headStart = at + 1;
    else if (char === '{') {
      const head = code.slice(frame.headStart, at);
      const literal = /(?:[:<|&(,?]|[^=]=|\breturn)\s*$/.test(head);
      frames.push({ bracket: char, headStart: at + 1, functionLine: !literal && opensFunction(head) ? line : null, literal });
    } else if (char === '(' || char === '[') frames.push({ bracket: char, headStart: at + 1, functionLine: null, literal: false });
    else if ((char === ')' || char === ']' || char === '}') && frames.length > 1) {
      frames.pop();
      if (frame.functionLine !== null) found.push({ line: frame.functionLine, lines: line - frame.functionLine + 1 });
      if (char === '}' && !frame.literal) (frames.at(-1) as Frame).headStart = at + 1;
    }
  }
  return found;
}

function opensFunction(head: string): boolean {
  if (/=>\s*$/.test(head) || /\bfunction\b/.test(head)) return true;
  if (/^\s*(?:if|for|while|switch|catch|else|do|try|finally|class|interface|return|import|export\s+\{)\b/.test(head)) return false;
  // A method: a name, its parameters (which may have defaults), perhaps a type.
  return /^[\s\w$#*<>,[\]?]+\(\)\s*(?::[^=]*)?$/.test(withoutArguments(head));
}

function withoutArguments(head: string): string {
  const shorter = head.replace(/\([^()]+\)/g, '()');
  return shorter === head ? head : withoutArguments(shorter.replace(/\(\s*\(\)\s*\)/g, '()'));
}
