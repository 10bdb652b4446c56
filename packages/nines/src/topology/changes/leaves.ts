export type Plain = string | number | boolean | null | Plain[] | { [key: string]: Plain };

/** Every leaf of plain data by its path, the path as JSON. A list is one leaf, as is an empty object: their parts mean nothing alone. */
export function leaves(value: Plain, path: string[] = []): Map<string, Plain> {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || Object.keys(value).length === 0) {
    return new Map([[JSON.stringify(path), value]]);
  }
  return new Map(Object.entries(value).flatMap(([key, below]) => [...leaves(below, [...path, key])]));
}
