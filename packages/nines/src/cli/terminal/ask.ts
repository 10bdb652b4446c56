/** Questions to a person, on standard error. Without a terminal nobody can answer: then it is a wrong usage. */
import { createInterface } from 'node:readline/promises';
import { NinesError } from '../../errors/errors.ts';

/** Yes or no. @param instead what to do without a terminal. @throws NinesError E_USAGE, E_INTERRUPTED (Ctrl-C, Ctrl-D) */
export async function agreed(question: string, instead: string, signal: AbortSignal): Promise<boolean> {
  return /^y(es)?$/i.test(await answer(`${question} [y/N] `, instead, signal));
}

/** True when the word itself is typed: for what cannot be taken back. @throws as `agreed` */
export async function typed(word: string, question: string, instead: string, signal: AbortSignal): Promise<boolean> {
  return (await answer(`${question} Type ${word} to go on: `, instead, signal)).trim() === word;
}

async function answer(question: string, instead: string, signal: AbortSignal): Promise<string> {
  if (!process.stdin.isTTY) throw new NinesError('E_USAGE', 'there is no terminal to ask on', { hint: instead });
  const asking = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await asking.question(question, { signal });
  } catch (cause) {
    // Ctrl-C and Ctrl-D are readline's own while it asks.
    throw new NinesError('E_INTERRUPTED', 'the question was not answered', { cause, hint: 'Nothing was changed.' });
  } finally {
    asking.close();
  }
}
