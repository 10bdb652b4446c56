/** Colours for people: only on a terminal, never with NO_COLOR (https://no-color.org), never in a pipe. */

const CODES = { bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], yellow: [33, 39], cyan: [36, 39] } as const;
export type StyleName = keyof typeof CODES;
export type Style = Record<StyleName, (text: string) => string>;

/** Where the text goes, as far as the decision needs it. */
export interface Screen {
  isTTY?: boolean | undefined;
}

/** NO_COLOR with any value but the empty one switches colours off, and so does TERM=dumb. */
export function hasColours(screen: Screen, env: NodeJS.ProcessEnv): boolean {
  const isRefused = (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb';
  return screen.isTTY === true && !isRefused;
}

/** Functions that wrap text in colour codes, or return it untouched. */
export function style(screen: Screen = process.stdout, env: NodeJS.ProcessEnv = process.env): Style {
  const isOn = hasColours(screen, env);
  const entries = Object.entries(CODES).map(([name, [open, close]]) => [
    name,
    isOn ? (text: string) => `\u001b[${open}m${text}\u001b[${close}m` : (text: string) => text,
  ]);
  return Object.fromEntries(entries) as Style;
}

/** The text without colour codes: what the eye counts as its width. */
export function plain(text: string): string {
  return text.replace(/\u001b\[\d+m/g, '');
}
