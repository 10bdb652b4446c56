/** Bytes of a connection -> lines, with an end to how long one may be. */

/** One message; the largest, a record with a thousand terms, has a third of it. */
export const MAX_LINE_BYTES = 64 * 1024;

export class LineReader {
  private parts: Buffer[] = [];
  private length = 0;

  /** Complete lines, without their ends. Null: a line is too long, and nothing more can be read from this connection. */
  read(chunk: Buffer): string[] | null {
    const lines: string[] = [];
    let rest = chunk;
    for (let end = rest.indexOf(10); end !== -1; end = rest.indexOf(10)) {
      if (this.length + end > MAX_LINE_BYTES) return null;
      this.parts.push(rest.subarray(0, end));
      lines.push(Buffer.concat(this.parts).toString('utf8'));
      this.parts = [];
      this.length = 0;
      rest = rest.subarray(end + 1);
    }
    if (rest.length > 0) {
      this.parts.push(rest);
      this.length += rest.length;
    }
    return this.length > MAX_LINE_BYTES ? null : lines;
  }
}
