import type { PostgresCommand } from '../../src/failover/commands.ts';

/** How long each stage of a command takes, at least and at most, in milliseconds: as measured on real servers, and far worse. */
export const STAGE_MS: Record<PostgresCommand['kind'], readonly (readonly [number, number])[]> = {
  start: [[150, 600]],
  demote: [[200, 900]],
  fence: [
    [2, 10],
    [8, 60],
  ],
  follow: [[5, 30]],
  clearTaint: [[1, 5]],
  promote: [
    [2, 10],
    [20, 120],
  ],
  reload: [[2, 15]],
  prove: [[10, 60]],
  admit: [[1, 10]],
  rebuild: [
    [50, 200],
    [300, 2_500],
  ],
  shutDown: [
    [2, 10],
    [50, 250],
  ],
};
