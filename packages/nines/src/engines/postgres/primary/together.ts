/** All have ended when it resolves or rejects: nothing of a command goes on behind its answer, on a server that another one has started. */
export async function together(...work: Promise<unknown>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(work)) if (outcome.status === 'rejected') throw outcome.reason;
}
