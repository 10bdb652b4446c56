/**
 * Lab tests need root (namespaces, mounts). Without it they are skipped by name, loudly;
 * under CI a skipped lab test is a failed run, so that a green run has always seen the lab.
 */
import { describe, expect, it } from 'vitest';

/** Why lab tests cannot run here, or null when they can. */
export function labObstacle(platform: NodeJS.Platform, uid: number | undefined): string | null {
  if (platform !== 'linux') return `the lab needs Linux network namespaces, this is ${platform}`;
  if (uid !== 0) return 'the lab makes network namespaces and mounts, which needs root';
  return null;
}

/** True when the environment asks that nothing is skipped (`CI=true`, `CI=1`). */
export function mustNotSkip(ci: string | undefined): boolean {
  return ci !== undefined && ci !== '' && ci !== 'false' && ci !== '0';
}

/** `describe` for tests that need the lab. `tests` registers them and is not called when they cannot run. */
export function describeLab(name: string, tests: () => void): void {
  const obstacle = labObstacle(process.platform, process.getuid?.());
  if (obstacle === null) {
    describe(name, tests);
    return;
  }
  if (mustNotSkip(process.env['CI'])) {
    describe(name, () => {
      it('can run', () => expect.fail(`lab test '${name}' cannot be skipped under CI: ${obstacle}`));
    });
    return;
  }
  process.stderr.write(`\nSKIPPED lab test '${name}': ${obstacle}\n`);
  describe.skip(name, () => {
    it(`SKIPPED: ${obstacle}`, () => undefined);
  });
}
