/** A group whose leadership a test says by hand. */
import type { GroupView } from '../../../failover/group-view.ts';
import type { CommandAnswer, Failover, FailoverAction } from '../../failover/groups.ts';

export class HandFailover implements Failover {
  readonly commands: { group: string; action: FailoverAction; body: unknown }[] = [];
  commandAnswer: CommandAnswer = { accepted: true, reason: 'told so' };
  #view: GroupView = {
    group: 'main',
    leader: null,
    epoch: 0,
    term: 0,
    phase: 'unknown',
    lone: false,
    paused: false,
    replicas: [],
    proven: false,
  };
  readonly #listeners = new Set<(view: GroupView) => void>();

  groups(): string[] {
    return ['main'];
  }

  view(group: string): GroupView | null {
    return group === 'main' ? this.#view : null;
  }

  onView(listener: (view: GroupView) => void): () => void {
    this.#listeners.add(listener);
    listener(this.#view);
    return () => this.#listeners.delete(listener);
  }

  lead(host: string, term: number, lagBytes = 0): void {
    const place = (name: string) => ({ node: `replica_${name}`, host: name, address: `10.0.0.${name}`, port: 5432 });
    const leader = { ...place(host), term };
    this.#view = { ...this.#view, leader, term, epoch: term, phase: 'open', replicas: [{ ...place('z'), lagBytes, counted: true }] };
    for (const listener of this.#listeners) listener(this.#view);
  }

  async command(group: string, action: FailoverAction, body: unknown): Promise<CommandAnswer> {
    this.commands.push({ group, action, body });
    return this.commandAnswer;
  }

  decisions(_group: string, sinceMs: number): string {
    return `{"atMs":${sinceMs}}\n`;
  }

  health(): null {
    return null;
  }
}
