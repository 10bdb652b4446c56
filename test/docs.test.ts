/** The documentation against the tree: links lead somewhere, and commands that are named exist. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../packages/nines/src/cli/main.ts';

const ROOT = join(import.meta.dirname, '..');

const PAGES = [
  ...readdirSync(ROOT).filter((name) => name.endsWith('.md')),
  ...below('docs'),
  ...below('packages/nines/templates'),
  ...below('examples'),
  'packages/nines/README.md',
  'packages/runtime/README.md',
].map((name) => join(ROOT, name));

function below(folder: string): string[] {
  const names = readdirSync(join(ROOT, folder), { recursive: true }) as string[];
  return names.filter((name) => name.endsWith('.md') && !name.includes('node_modules')).map((name) => join(folder, name));
}

/** Heading -> the name that GitHub gives it in links. */
function anchors(page: string): Set<string> {
  const headings = [...readFileSync(page, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => title);
  return new Set(
    headings.map((title) =>
      title
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(/\s/g, '-'),
    ),
  );
}

function linksOf(page: string): string[] {
  const withoutCode = readFileSync(page, 'utf8')
    .replaceAll(/```[\s\S]*?```/g, '')
    .replaceAll(/`[^`\n]*`/g, '');
  return [...withoutCode.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
}

/** Why a link leads nowhere; null when it leads somewhere. Links to the web are not followed. */
function linkProblem(page: string, link: string): string | null {
  if (/^[a-z]+:/.test(link)) return null;
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : join(dirname(page), path);
  if (!existsSync(target)) return `${link}: no such file`;
  if (anchor === undefined || statSync(target).isDirectory()) return null;
  return anchors(target).has(anchor) ? null : `${link}: no such heading`;
}

/** `nines WORD` in code: the first word, and the options of that command. Sentences about commands that are planned do not stand in code. */
function commandsOf(page: string): { name: string; options: string[] }[] {
  const text = readFileSync(page, 'utf8');
  const code = [...text.matchAll(/```[a-z]*\n([\s\S]*?)```|`([^`\n]+)`/g)].flatMap(([, block, inline]) =>
    (block ?? inline ?? '').split('\n'),
  );
  return code.flatMap((line) => {
    const match = /^(?:sudo )?(?:npx )?nines ([a-z]+)\b([^#]*)/.exec(line.trim());
    // What follows ' -- ' or a tool's name is the tool's.
    const words = (match?.[2] ?? '').split(' -- ')[0]?.split(/\b(?:psql|redis-cli|etcdctl)\b/)[0] ?? '';
    return match === null ? [] : [{ name: match[1] ?? '', options: words.match(/(?<= )-{1,2}[a-z][a-z-]*/g) ?? [] }];
  });
}

function commandProblem(program: ReturnType<typeof createProgram>, { name, options }: { name: string; options: string[] }): string | null {
  const command = program.commands.find((each) => each.name() === name);
  if (command === undefined) return `nines ${name}: no such command`;
  const known = command.options.flatMap((option) => [option.short, option.long]);
  const unknown = options.filter((option) => !known.includes(option));
  return unknown.length === 0 ? null : `nines ${name}: no option ${unknown.join(', ')}`;
}

describe('documentation', () => {
  it.each(PAGES.map((page) => [relative(ROOT, page), page]))('%s: every link leads somewhere', (_name, page) => {
    expect(linksOf(page).flatMap((link) => linkProblem(page, link) ?? [])).toEqual([]);
  });

  it.each(PAGES.map((page) => [relative(ROOT, page), page]))('%s: every command exists', (_name, page) => {
    const program = createProgram(new AbortController().signal);
    expect(commandsOf(page).flatMap((command) => commandProblem(program, command) ?? [])).toEqual([]);
  });

  it('names every page in an index', () => {
    const index = linksOf(join(ROOT, 'docs/README.md')).map((link) => join('docs', link));
    const parts = below('docs').filter((name) => name !== 'docs/README.md' && !name.startsWith('docs/internals'));
    expect(parts.filter((name) => !index.includes(name))).toEqual([]);
  });

  it('names every npm script that it asks for', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
    const asked = PAGES.flatMap((page) => [...readFileSync(page, 'utf8').matchAll(/npm run ([a-z][a-z:]*)/g)].map(([, name = '']) => name));
    expect(asked.filter((name) => scripts[name] === undefined)).toEqual([]);
  });
});

describe('the checks of the documentation', () => {
  const page = join(ROOT, 'docs/README.md');

  it('find what is wrong', () => {
    expect(linkProblem(page, 'learn/nothing.md')).toContain('no such file');
    expect(linkProblem(page, 'learn/words.md#nothing')).toContain('no such heading');
    expect(linkProblem(page, 'learn/words.md#words')).toBeNull();
    const program = createProgram(new AbortController().signal);
    expect(commandProblem(program, { name: 'dwon', options: [] })).toContain('no such command');
    expect(commandProblem(program, { name: 'init', options: ['--force'] })).toContain('no option --force');
  });

  it('find the commands that a page names', () => {
    const found = commandsOf(join(ROOT, 'docs/learn/first-steps.md'));
    expect(found).toContainEqual({ name: 'apply', options: ['--dry-run'] });
    expect(found).toContainEqual({ name: 'exec', options: [] });
  });
});
