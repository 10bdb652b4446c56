/** What may not stand in the tree, and what to use instead. */
import { isBuiltin } from 'node:module';
import { isPure } from './layers.ts';
import { type Breach, isTest, type Source } from './source.ts';

interface Ban {
  name: string;
  applies(path: string): boolean;
  /** What breaks the ban in this file, or null. */
  find(source: Source): string | null;
  instead: string;
}

/** Written apart, so that this file does not break its own ban. */
const word = (...parts: string[]): string => parts.join('');
const FORBIDDEN = new RegExp(
  [
    `(?<![\\w.-])/${word('wo', 'rk')}/`,
    `(?<![\\w.-])/${word('ro', 'ot')}/`,
    `(?<![\\w.-])/tmp/${word('bri', 'ef')}`,
    `${word('regis', 'try')}\\.(?:npmjs|yarnpkg)`,
    `${word('npm', 'mirror')}\\.com`,
  ].join('|'),
);
const UNFINISHED = new RegExp(`\\b(?:${word('TO', 'DO')}|${word('FIX', 'ME')}|${word('X', 'XX')})\\b`);

const IO_MODULES =
  /^(?:node:)?(?:fs|fs\/promises|child_process|net|http|https|http2|tls|dns|dns\/promises|dgram|os|timers|timers\/promises|worker_threads|cluster|readline|perf_hooks|process|v8|vm|inspector)$/;
const CLOCK_OR_CHANCE =
  /\b(?:Date\.now|new Date\(\)|performance\.now|Math\.random|random(?:Bytes|UUID|Int)|set(?:Timeout|Interval|Immediate)|process\.\w+|fetch)\b\(?/;

/** A program's own module lives and ends with its process. */
const IS_PROGRAM = /[/-](?:main|process)\.ts$/;

export const BANS: Ban[] = [
  {
    name: 'vague names',
    applies: () => true,
    find: ({ path }) => path.split('/').find((step) => /(?:^|[-.])(?:utils?|helpers?|common|managers?|misc)(?:[-.]|$)/i.test(step)) ?? null,
    instead: 'name the folder or file after what it holds',
  },
  {
    name: 'words of one machine',
    applies: () => true,
    find: ({ text }) => FORBIDDEN.exec(text)?.[0] ?? null,
    instead: "use a path from the root of the repository, or let the user's settings say it",
  },
  {
    name: 'unfinished marks',
    applies: () => true,
    find: ({ text }) => UNFINISHED.exec(text)?.[0] ?? null,
    instead: 'finish it, or say in the documentation what does not work',
  },
  {
    name: 'I/O in pure code',
    applies: isPure,
    find: ({ imports }) => imports.find(({ specifier }) => IO_MODULES.test(specifier))?.specifier ?? null,
    instead: 'take the data as an argument and let the agent do the I/O',
  },
  {
    name: 'clock, chance and process in pure code',
    applies: isPure,
    find: ({ code }) => CLOCK_OR_CHANCE.exec(code)?.[0] ?? null,
    instead: 'take the time, the random number or the setting as an argument',
  },
  {
    name: 'packages in pure code',
    applies: isPure,
    find: ({ imports }) =>
      imports.find(({ specifier }) => /^[a-z@]/.test(specifier) && specifier !== 'zod' && !isBuiltin(specifier))?.specifier ?? null,
    instead: 'only zod and other pure modules; keep clients in the folder that does the I/O',
  },
  {
    name: 'console',
    applies: (path) => /^packages\/[^/]+\/src\/(?!cli\/|report\/)/.test(path) && !isTest(path),
    find: ({ code }) => /\bconsole\.\w+/.exec(code)?.[0] ?? null,
    instead: 'take a log function (or `io.log`), and let the CLI print',
  },
  {
    name: 'shells',
    applies: () => true,
    find: ({ path, code, text }) =>
      /\bshell\s*:\s*(?!false\b|undefined\b)[^\s,;]+/.exec(code)?.[0] ?? (isTest(path) ? null : shellWords(code, text)),
    instead: 'give an argv array to spawn or execFile; write standard input instead of pipes',
  },
  {
    name: 'exec of strings',
    applies: () => true,
    find: ({ imports }) => {
      const child = imports.find(
        ({ specifier, clause }) => /^(?:node:)?child_process$/.test(specifier) && /\bexec(?:Sync)?\b/.test(clause),
      );
      return child === undefined ? null : `exec of ${child.specifier}`;
    },
    instead: 'use spawn or execFile with an argv array',
  },
  {
    name: 'global state',
    applies: (path) => /^(?:packages|examples)\/[^/]+\/src\/.*\.ts$/.test(path) && !isTest(path) && !IS_PROGRAM.test(path),
    find: ({ code }) => /^(?:export )?(?:let|var)\s+\w+/m.exec(code)?.[0] ?? null,
    instead: 'keep it in an object that the caller makes and hands on',
  },
];

/** ['sh', '-c', ...] and its like: quotes in the code, words in the text. */
function shellWords(code: string, text: string): string | null {
  for (const match of code.matchAll(/(['"])\s{2,20}\1\s*,\s*(['"])\s{2,3}\2/g)) {
    const words = text.slice(match.index, match.index + match[0].length);
    if (/^['"](?:\/(?:usr\/)?bin\/)?(?:ba|da)?sh['"]\s*,\s*['"]-l?c['"]$/.test(words)) return words;
  }
  return null;
}

export function banBreaches(source: Source): Breach[] {
  return BANS.filter((ban) => ban.applies(source.path)).flatMap((ban) => {
    const found = ban.find(source);
    return found === null ? [] : [{ path: source.path, message: `${ban.name}: '${found}' is banned; ${ban.instead}` }];
  });
}
