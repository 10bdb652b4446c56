/** What `up` shows while it works: its stages, and within the last one how many units of each kind are ready. */
import type { Readiness } from '../operations/readiness.ts';
import type { UpProgress } from '../operations/up.ts';
import { Progress, type ProgressOptions, type Step } from './terminal/progress.ts';

export class UpScreen implements UpProgress {
  readonly #progress: Progress;
  readonly #labName: string;
  #step: Step | null = null;
  #counted = '';
  #name = '';

  constructor(labName: string, options: ProgressOptions = {}) {
    this.#labName = labName;
    this.#progress = new Progress(options);
  }

  stage(name: string): void {
    this.#step?.done(this.#counted);
    this.#counted = '';
    this.#name = name;
    this.#step = this.#progress.step(`${this.#labName}: ${name}`);
  }

  ready({ ready, total, missing }: Readiness): void {
    this.#counted = `${ready} of ${total} units ready`;
    const waiting = missing.slice(0, 3).map(({ unit, host }) => `${unit}@${host}`);
    const rest = missing.length > waiting.length ? ` and ${missing.length - waiting.length} more` : '';
    this.#step?.update(missing.length === 0 ? this.#counted : `${this.#counted}; waiting for ${waiting.join(', ')}${rest}`);
  }

  done(): void {
    this.#step?.done(this.#counted);
    this.#step = null;
    this.#progress.close();
  }

  failed(): void {
    this.#step?.failed(`${this.#name} was not completed${this.#counted === '' ? '' : `: ${this.#counted}`}`);
    this.#step = null;
    this.#progress.close();
  }
}
