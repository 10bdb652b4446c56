/** The small parts of the detectors, where a whole group would hide what they do. */
import { expect, it } from 'vitest';
import { ListeningClock } from './listening-clock.ts';
import { Questions } from './questions.ts';

it('the clock does not count a time in which this node stood still', () => {
  let nowMs = 1_000;
  const clock = new ListeningClock(() => nowMs);
  for (let at = 0; at < 20; at++) {
    nowMs += 50;
    clock.tick();
  }
  expect(clock.ms).toBe(1_000);
  nowMs += 5_000;
  clock.tick();
  expect(clock.ms).toBeLessThanOrEqual(1_100);
});

it('a witness that hears the leader answers when it saw it acknowledge, when it misses it too, or when its time is over', () => {
  const content = { misses: false, advancedMs: 90, walMoved: false };
  const open = (): Questions => {
    const questions = new Questions(300);
    questions.asked('n2', 7, 100);
    return questions;
  };
  expect(open().ready(content, 399)).toEqual([]);
  const nothing = { leaderAdvanced: false, walMoved: false, isSilent: false };
  expect(open().ready(content, 400)).toEqual([{ to: 'n2', id: 7, answer: nothing }]);
  expect(open().ready({ ...content, advancedMs: 110 }, 111)).toEqual([{ to: 'n2', id: 7, answer: { ...nothing, leaderAdvanced: true } }]);
  expect(open().ready({ ...content, misses: true }, 101)).toEqual([{ to: 'n2', id: 7, answer: { ...nothing, isSilent: true } }]);
  const questions = open();
  questions.ready({ ...content, misses: true }, 101);
  expect(questions.ready(content, 500), 'once').toEqual([]);
});
