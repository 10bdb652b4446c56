import { expect, it } from 'vitest';
import { RULES } from './rules/table.ts';
import { heldWords, WALL_WORDS, wallWords } from './words.ts';

it('has words for every wall of the table, and for nothing else', () => {
  const walls = RULES.flatMap(({ name, walls }) => Object.keys(walls).map((wall) => `${name}/${wall}`));
  expect(Object.keys(WALL_WORDS).toSorted()).toEqual(walls.toSorted());
  for (const words of Object.values(WALL_WORDS)) expect(words).toMatch(/^\S.{15,}[^.]$/);
});

it('says why a rule waits, also when it only waits for an answer', () => {
  expect(heldWords('open-epoch/noOtherElection')).toBe('open-epoch waits: an election is running already and is not overdue');
  expect(wallWords('fence/busy')).toBe('an earlier command has not been answered yet');
  expect(wallWords('of-tomorrow/wall')).toBe('of-tomorrow/wall');
});
