/** A pause that ends with its call. */
import { AbortListener, type CallContext } from './call.ts';

/** Rejects with the reason when the call is given up. The timer is stopped then. */
export function wait(call: CallContext, ms: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = call.clock.startTimer(ms, () => {
      call.unlisten(pause);
      resolve();
    });
    const pause = new Pause((reason) => {
      timer.stop();
      reject(reason);
    });
    call.listen(pause);
  });
}

class Pause extends AbortListener {
  readonly aborted: (reason: Error) => void;

  constructor(aborted: (reason: Error) => void) {
    super();
    this.aborted = aborted;
  }
}
