/** What a host of a peer's cluster runs: written by the bench, read by the host's first program. */
export interface HostSeed {
  directories: { path: string; user: string; mode: number }[];
  /** Written at each boot. */
  files: { path: string; content: string; user: string; mode: number }[];
  processes: SeedProcess[];
}

export interface SeedProcess {
  name: string;
  user: string;
  argv: string[];
  env: Record<string, string>;
  /** Not before this answers 200, unless the file is there: so that the first primary is where the scenario wants it. */
  waitFor: { url: string; unlessFile: string } | null;
}

export const SEED_FILE = '/run/nines/seed.json';
