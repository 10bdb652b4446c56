/** Rows in columns, for people. Machines get `--json`. Pure. */
import { plain } from './style.ts';

export type Cell = string | number | null;

export interface TableOptions {
  /** Spaces before every line. */
  indent?: number;
}

const GAP = '  ';

/**
 * One line per row, columns padded to their widest cell; numbers to the right; null is '-'.
 * With a header, a rule of dashes follows it. Cells may carry colour codes. Ends without a newline.
 */
export function table(rows: readonly (readonly Cell[])[], header?: readonly string[], options: TableOptions = {}): string {
  const margin = ' '.repeat(options.indent ?? 0);
  const all = header === undefined ? rows : [header, ...rows];
  const columns = Math.max(0, ...all.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(0, ...all.map((row) => plain(textOf(row[column] ?? null)).length)),
  );
  const lines = all.map((row, at) =>
    widths.map((width, column) => padded(row[column] ?? null, width, at === 0 && header !== undefined, rows, column)),
  );
  if (header !== undefined)
    lines.splice(
      1,
      0,
      widths.map((width) => '-'.repeat(width)),
    );
  return lines.map((cells) => `${margin}${cells.join(GAP)}`.trimEnd()).join('\n');
}

function textOf(cell: Cell): string {
  return cell === null ? '-' : String(cell);
}

/** A header stands over its column's side: to the right when the first row has a number there. */
function padded(cell: Cell, width: number, isHeader: boolean, rows: readonly (readonly Cell[])[], column: number): string {
  const text = textOf(cell);
  const space = ' '.repeat(width - plain(text).length);
  const isNumber = isHeader ? typeof rows[0]?.[column] === 'number' : typeof cell === 'number';
  return isNumber ? space + text : text + space;
}
