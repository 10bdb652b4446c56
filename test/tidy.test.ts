/** The house rules: every file of the repository keeps them, and every rule is tried on a sample that breaks it. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BANS, banBreaches } from './tidy/bans.ts';
import { blanked } from './tidy/blank.ts';
import { functionBreaches, functionLengths } from './tidy/functions.ts';
import { layerBreaches } from './tidy/layers.ts';
import { type Breach, readSources, type Source, sourceOf } from './tidy/source.ts';

const RULES = [layerBreaches, banBreaches, functionBreaches];

function breaches(source: Source): string[] {
  return RULES.flatMap((rule) => rule(source)).map(({ path, message }: Breach) => `${path} ${message}`);
}

function breachesOf(path: string, text: string): string[] {
  return breaches(sourceOf(path, text));
}

describe('the house rules', () => {
  it('are kept by every file', async () => {
    const sources = await readSources(join(import.meta.dirname, '..'));
    expect(sources.length).toBeGreaterThan(50);
    expect(sources.flatMap(breaches)).toEqual([]);
  });
});

const NINES = 'packages/nines/src';
const LONG = `function long() {\n${'  step();\n'.repeat(69)}}`;

/** Words that this file may not have either. */
const apart = (...parts: string[]): string => parts.join('');

/** Path, text, and what the message must say. */
const BAD: [string, string, string][] = [
  [`${NINES}/utils/x.ts`, '', 'vague names'],
  [`${NINES}/store/file-helper.ts`, '', 'name the folder or file after what it holds'],
  ['docs/learn/start.md', apart('see /wo', 'rk/main'), 'words of one machine'],
  ['README.md', apart('https://regis', 'try.npmjs.org'), 'use a path from the root'],
  [`${NINES}/store/x.ts`, apart('// TO', 'DO: later'), 'unfinished marks'],
  [`${NINES}/topology/x.ts`, "import { readFile } from 'node:fs/promises';", 'I/O in pure code'],
  [`${NINES}/engines/redis/render.ts`, "import net from 'net';", 'take the data as an argument'],
  [`${NINES}/engines/redis/plan.ts`, "const os = await import('node:os');", "'node:os' is banned"],
  [`${NINES}/failover/x.ts`, 'const now = Date.now();', 'clock, chance and process'],
  [`${NINES}/checkers/x.ts`, 'const x = Math.random();', 'take the time, the random number'],
  [`${NINES}/availability/x.ts`, 'setTimeout(go, 1);', 'clock, chance and process'],
  [`${NINES}/errors/x.ts`, 'const home = process.env;', 'clock, chance and process'],
  [`${NINES}/topology/x.ts`, "import pg from 'pg';", 'packages in pure code'],
  [`${NINES}/agent/x.ts`, "console.log('x');", 'console'],
  [`${NINES}/lab/x.ts`, 'spawn(program, [], { shell: true });', 'shells'],
  [`${NINES}/lab/x.ts`, "run(['sh', '-c', line]);", 'give an argv array'],
  [`${NINES}/lab/x.ts`, "import { exec } from 'node:child_process';", 'exec of strings'],
  [`${NINES}/lab/x.ts`, "import { execSync as go, spawn } from 'child_process';", 'use spawn or execFile'],
  [`${NINES}/lab/x.ts`, 'let current = null;', 'global state'],
  [`${NINES}/store/x.ts`, "import { a } from '../agent/agent.ts';", 'which is above it'],
  [`${NINES}/topology/x.ts`, "import type { A } from '../engines/engine.ts';", 'move what both need into the lower folder'],
  [`${NINES}/agent/x.ts`, "export { a } from '../cli/a.ts';", 'which is above it'],
  [`${NINES}/agent/x.ts`, "import { a } from '../engines/testing/a.ts';", 'which is for tests'],
  [`${NINES}/novel/x.ts`, "import { a } from '../store/a.ts';", 'has no height'],
  ['examples/orders/src/x.ts', "import { a } from '../../../packages/nines/src/errors/errors.ts';", 'import the package by its name'],
  [`${NINES}/agent/x.ts`, LONG, 'has 71 lines; split it'],
];

describe('a sample that breaks a rule is found', () => {
  it.each(BAD.map((sample) => [sample[2], sample] as const))('%s', (message, [path, text]) => {
    const found = breachesOf(path, text);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(message);
    expect(found[0]?.startsWith(path)).toBe(true);
  });

  it('for every ban', () => {
    const messages = BAD.flatMap(([path, text]) => breachesOf(path, text)).join('\n');
    for (const ban of BANS) {
      expect(messages).toContain(ban.name);
      expect(messages).toContain(ban.instead);
    }
  });
});

describe('a sample that keeps the rules is left alone', () => {
  it.each([
    [`${NINES}/topology/x.ts`, "// Date.now() and node:fs are banned here\nconst text = 'Math.random()';"],
    [`${NINES}/topology/x.ts`, "import { z } from 'zod';\nimport { isDeepStrictEqual } from 'node:util';"],
    [`${NINES}/topology/x.test.ts`, "import { readFile } from 'node:fs/promises';"],
    [`${NINES}/agent/x.ts`, 'const match = /exec\\(|shell: true/.exec(line);'],
    [`${NINES}/cli/x.ts`, "console.log('x');\nimport { a } from '../agent/a.ts';"],
    [`${NINES}/agent/x.ts`, "import { execFile } from 'node:child_process';\nfor (let i = 0; ; i++) go(i);"],
    [`${NINES}/engines/x.test.ts`, "import { a } from '../agent/a.ts';"],
    ['docs/learn/network/x.md', 'a network/work/ of paths and ~/work'],
    [`${NINES}/agent/x.ts`, LONG.replace('  step();\n', '')],
  ])('%s (%#)', (path, text) => expect(breachesOf(path, text)).toEqual([]));
});

describe('how code is read', () => {
  it.each([
    ["a('x//y') // z", "a('    ')     "],
    ['a(/["\'`]/) + "b"', 'a(/     /) + " "'],
    ['a / b / c', 'a / b / c'],
    ['`x ${f({ a: `}` })} y`', '`  ${f({ a: ` ` })}  `'],
    ['/* { */ f()', '        f()'],
    ["'it\\'s' {", "'     ' {"],
  ])('%j', (text, code) => expect(blanked(text)).toBe(code));

  it.each([
    ['a function', 'function f({ a }: { a: number }): Promise<{ b: string }> {\n  if (a) {\n  }\n}', [{ line: 1, lines: 4 }]],
    ['a method', 'class A {\n  async run(b = 1): Promise<void> {\n  }\n}', [{ line: 2, lines: 2 }]],
    [
      'an arrow',
      'const f = (a: string) => {\n  g(() => {\n  });\n};',
      [
        { line: 2, lines: 2 },
        { line: 1, lines: 4 },
      ],
    ],
    ['no function', 'const a = {\n  b: [\n  ],\n};\nif (a) {\n} else {\n}\nfor (const x of y) {\n}', []],
  ])('%s', (_, code, lengths) => expect(functionLengths(code)).toEqual(lengths));
});
