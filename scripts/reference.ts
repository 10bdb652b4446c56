/**
 * The pages and the type that are made from code: docs/reference/commands.md, docs/reference/errors.md, docs/reference/runtime.md, docs/reference/topology.md and the
 * user's words in packages/nines/src/topology/words.ts. Run `node scripts/reference.ts` after a change of the
 * registry or the schema; test/reference.test.ts fails while they differ.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ERRORS, EXIT } from '../packages/nines/src/errors/errors.ts';
import { commandsPage } from './commands-page.ts';
import { runtimePage } from './runtime-page.ts';
import { OWNED_PARAMETERS } from '../packages/nines/src/topology/postgres-parameters.ts';
import { type Entry, outline, type Section } from '../packages/nines/src/topology/schema/outline.ts';
import { topologySchema } from '../packages/nines/src/topology/schema/schema.ts';

const ROOT = join(import.meta.dirname, '..');

/** Every generated file: its path from the root of the repository, and its text. */
export function references(): Record<string, string> {
  const sections = outline(topologySchema);
  return {
    'docs/reference/commands.md': commandsPage(),
    'docs/reference/errors.md': errorsPage(),
    'docs/reference/runtime.md': runtimePage(),
    'docs/reference/topology.md': topologyPage(sections),
    'packages/nines/src/topology/words.ts': wordsModule(sections),
  };
}

function errorsPage(): string {
  const exits = Object.entries(EXIT).map(([name, exit]) => `| ${exit} | ${EXIT_MEANING[name as keyof typeof EXIT]} |`);
  const rows = Object.entries(ERRORS).map(([code, { exit, hint }]) => `| \`${code}\` | ${exit} | ${cell(hint)} |`);
  return [
    '# Errors',
    '',
    'Every error has a code, says what happened to what, and what to do. With `--json` it is',
    '`{"error": {"code", "message", "hint", "details"}}`; `details` has one line for each thing that is wrong.',
    '',
    '## Exit codes',
    '',
    '| exit code | meaning |',
    '|---|---|',
    ...exits,
    '',
    '## Codes',
    '',
    '| code | exit code | what to do |',
    '|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

const EXIT_MEANING: Record<keyof typeof EXIT, string> = {
  good: 'good',
  failed: 'the system under test failed',
  usage: 'wrong usage or configuration; nothing was changed',
  environment: 'the environment lacks something: an engine, a permission, a free port',
  undecided: 'the command could not decide',
};

function topologyPage(sections: Section[]): string {
  const owned = Object.entries(OWNED_PARAMETERS).map(([name, reason]) => `| \`${name}\` | ${cell(reason)} |`);
  return [
    '# The topology',
    '',
    'One file, `nines.config.ts`, says what should run where: `export default defineTopology({ ... })`.',
    'Only `name`, `regions` and one service with its `command` must be given. Unknown options are refused.',
    '',
    "Durations are texts: a number and `ms`, `s`, `m`, `h` or `d` (`'250ms'`, `'1.5s'`). Sizes are texts: a number and",
    "`B`, `kB`, `MB` or `GB`, each 1024 times the one before (`'64MB'`). Names have 1 to 20 characters: small letters,",
    'digits and `-`, a letter first. `<name>` stands for a name of yours.',
    '',
    ...sections.flatMap(sectionPart),
    '## PostgreSQL settings that Nines decides',
    '',
    'They are refused in `postgres.<name>.parameters`. `*` stands for any ending.',
    '',
    '| setting | why |',
    '|---|---|',
    ...owned,
    '',
  ].join('\n');
}

function sectionPart(section: Section): string[] {
  return [
    section.path === '' ? '## Top level' : `## \`${section.path}\``,
    '',
    section.what,
    '',
    '| option | allowed | default | what it does | trade-off |',
    '|---|---|---|---|---|',
    ...section.entries.map(entryRow),
    '',
  ];
}

function entryRow({ key, type, facts, holds, mayBeLeftOut }: Entry): string {
  const standard = facts?.standard ?? (mayBeLeftOut ? 'see its section' : '**must be given**');
  const allowed = facts?.allowed ?? (type.startsWith('Record') ? 'names and what they stand for' : 'see its section');
  const orNull = facts === undefined && type.endsWith('| null') ? '; null: none' : '';
  return `| \`${key}\` | ${cell(allowed + orNull)} | ${cell(standard)} | ${cell(facts?.what ?? holds)} | ${cell(facts?.tradeoff ?? '')} |`;
}

function wordsModule(sections: Section[]): string {
  return [
    '/** What a user writes in `nines.config.ts`. Made from the schema by `node scripts/reference.ts`: change the schema, not this file. */',
    "import type { Duration } from './durations.ts';",
    "import type { Size } from './sizes.ts';",
    '',
    ...sections.flatMap((section) => [
      `/** ${section.what} */`,
      `export interface ${section.name} {`,
      ...section.entries.flatMap(entryMember),
      '}',
      '',
    ]),
  ].join('\n');
}

function entryMember({ key, type, facts, holds, mayBeLeftOut }: Entry): string[] {
  const sentences = facts === undefined ? [holds] : [facts.what, `Allowed: ${facts.allowed}.`, facts.tradeoff];
  const standard = facts?.standard === undefined ? [] : [`   * @default ${facts.standard}`];
  const text = sentences.filter((sentence) => sentence !== undefined).map((sentence) => `   * ${sentence}`);
  return ['  /**', ...text, ...standard, '   */', `  ${key}${mayBeLeftOut ? '?' : ''}: ${type};`];
}

/** A table cell: '|' would end it. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

if (process.argv[1] === import.meta.filename) {
  for (const [path, text] of Object.entries(references())) {
    await mkdir(dirname(join(ROOT, path)), { recursive: true });
    await writeFile(join(ROOT, path), text);
  }
}
