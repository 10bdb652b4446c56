/** One member of a group on this host, as the executor of its commands sees it. */
import type { EngineIo, UnitContext } from '../engine.ts';
import type { ServerProcess } from './control.ts';
import { membershipOf, type PostgresGroup, type PostgresMember } from './group.ts';
import { KnownNames } from './known-names.ts';
import { type PostgresLayout, postgresLayout } from './layout.ts';

export interface Member {
  context: UnitContext;
  group: PostgresGroup;
  /** This host's own place in the group. */
  member: PostgresMember;
  layout: PostgresLayout;
  server: ServerProcess;
  /** Shared by all copies of this member. */
  knownNames: KnownNames;
  /** Shared as well. True while a clean stop bars clients. */
  door: { isClosing: boolean };
  /** Of the agent's whole life; what a command starts ends by the command's own signal (see `endingBy`). */
  io: EngineIo;
}

export function memberOf({ context, server, io }: Pick<Member, 'context' | 'server' | 'io'>): Member {
  const { group, member } = membershipOf(context.spec, context.unit);
  return { context, group, member, layout: postgresLayout(context), server, knownNames: new KnownNames(), door: { isClosing: false }, io };
}

/** The same, for one command: its tools end by the command's signal, too, and by the one of the call. */
export function endingBy(io: EngineIo, signal: AbortSignal): EngineIo {
  const both = AbortSignal.any([io.signal, signal]);
  return {
    ...io,
    signal: both,
    run: (argv, options) =>
      io.run(argv, { ...options, signal: options?.signal === undefined ? both : AbortSignal.any([both, options.signal]) }),
  };
}
