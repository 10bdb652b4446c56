import type { TopologyWords } from './words.ts';

/**
 * Declares a topology: `export default defineTopology({ ... })` in `nines.config.ts`.
 * It gives the editor the types and returns the words as they are; they are checked by `normaliseTopology`,
 * which every command runs first, so that a file without types (or a JSON one) is checked just the same.
 */
export function defineTopology(words: TopologyWords): TopologyWords {
  return words;
}
