/**
 * Acts after so long, one turn later than its timer: timers come before sockets, and a process that stood still itself takes an answer
 * that is there. Called, what it gives back takes that back.
 */
export function atDeadline(timeoutMs: number, act: () => void): () => void {
  let lastLook: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => {
    lastLook = setImmediate(act);
  }, timeoutMs);
  return () => {
    clearTimeout(timer);
    clearImmediate(lastLook);
  };
}
