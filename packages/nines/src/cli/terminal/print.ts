/** Results go to stdout, one document for machines; everything that is said on the way goes to stderr. */

/** Writes the value as indented JSON and a newline. */
export function printJson(value: unknown, stream: { write(text: string): unknown } = process.stdout): void {
  stream.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** Writes a line to stdout. */
export function printLine(text: string, stream: { write(text: string): unknown } = process.stdout): void {
  stream.write(`${text}\n`);
}
