/** An end, whatever the action does with its signal. */
import { AbortListener, type CallContext } from './call.ts';

/** Settles as `run` does, or rejects when the call is given up, whichever is first. What comes later is dropped. */
export function raced<Result>(call: CallContext, run: (call: CallContext) => Promise<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    const end = new End(reject);
    call.listen(end);
    if (end.isOver) return;
    run(call).then(
      (value) => {
        call.unlisten(end);
        resolve(value);
      },
      (error: Error) => {
        call.unlisten(end);
        reject(error);
      },
    );
  });
}

class End extends AbortListener {
  readonly #reject: (reason: Error) => void;
  isOver = false;

  constructor(reject: (reason: Error) => void) {
    super();
    this.#reject = reject;
  }

  override aborted(reason: Error): void {
    this.isOver = true;
    this.#reject(reason);
  }
}
