/** An end, whatever the action does with its signal. */
import { AbortListener, type CallContext } from './call.ts';
import { settled } from './settled.ts';

/**
 * Settles as `run` does, or rejects when the call is given up, whichever is first. What comes later is dropped.
 * @param ended called once, before that.
 */
export function raced<Result>(
  call: CallContext,
  run: (call: CallContext) => Promise<Result>,
  ended: () => void = () => undefined,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const end = new End((reason) => {
      ended();
      reject(reason);
    });
    call.listen(end);
    if (end.isOver) return;
    settled(run, call).then(
      (value) => {
        if (end.isOver) return;
        call.unlisten(end);
        ended();
        resolve(value);
      },
      (error: Error) => {
        if (end.isOver) return;
        call.unlisten(end);
        ended();
        reject(error);
      },
    );
  });
}

class End extends AbortListener {
  readonly #then: (reason: Error) => void;
  isOver = false;

  constructor(then: (reason: Error) => void) {
    super();
    this.#then = then;
  }

  override aborted(reason: Error): void {
    this.isOver = true;
    this.#then(reason);
  }
}
