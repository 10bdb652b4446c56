import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const BIN = fileURLToPath(new URL('../../bin/nines.mjs', import.meta.url));

interface Said {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** @param reads false: the reader of standard output is gone before anything is written. */
async function nines(words: string[], reads = true): Promise<Said> {
  const child = spawn(process.execPath, [BIN, ...words], { stdio: ['ignore', 'pipe', 'pipe'], timeout: 20_000 });
  let [stdout, stderr] = ['', ''];
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  if (reads) {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
  } else child.stdout.destroy();
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout, stderr };
}

describe('a wrong command line', () => {
  it.each([
    [['status', '--bogus'], "unknown option '--bogus'"],
    [['bogus'], "unknown command 'bogus'"],
    [['restart'], "missing required argument 'name'"],
    [['up', 'extra'], 'too many arguments'],
    [['up', '--timeout', '5x'], 'is no duration'],
    [['up', '--timeout', '99d'], 'is no duration'],
    [['logs', '--follow'], '--json is one document'],
    [['status', '--lab', 'A B'], 'no name of a lab'],
  ])('%s: exit 2, and with --json one document on standard output', async (words, message) => {
    const { code, stdout, stderr } = await nines([...words, '--json']);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code: 'E_USAGE', message: expect.stringContaining(message), hint: expect.any(String) },
    });
    expect(stderr).toContain(message);
  });
});

describe('a reader that is gone', () => {
  it.each([[['doctor', '--json']], [['status', '--lab', 'none-of-that-name', '--json']]])('ends %s without a complaint', async (words) => {
    const { code, stderr } = await nines(words, false);
    expect(stderr).not.toContain('EPIPE');
    expect(code).not.toBe(null);
  });
});
