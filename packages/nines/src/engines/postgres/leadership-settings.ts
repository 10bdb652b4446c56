/** `leadership.conf`: the three settings of a server that change with the leader, and only by the executor's hand. */
import { replaceVolatileFile } from '../durable-file.ts';
import type { Member } from './member.ts';
import { LEADER_SERVICE } from './replication.ts';
import { quotedSetting } from './settings.ts';

/**
 * Of a member that does not lead. No standby is ever called so: a server that were promoted with it would confirm nothing.
 * Never empty, as a setting that turns from empty to non-empty is not in force when it is loaded.
 */
export const NOBODY_ACKNOWLEDGES = 'ANY 1 ("nobody")';

export interface LeadershipSettings {
  /** `synchronous_standby_names` as PostgreSQL reads it; '' only for a leader that is lone. */
  standbyNames: string;
  /** Whether walreceivers are started at all. Whom they find is the service file's word. */
  follows: boolean;
}

/** In the file when it resolves, not yet loaded: the caller sends SIGHUP. Not synced, as every start writes it first. */
export function writeLeadershipSettings({ layout, member, knownNames }: Member, settings: LeadershipSettings): void {
  knownNames.forget();
  replaceVolatileFile(layout.leadershipFile, renderLeadershipSettings(settings, member.replicaName), 0o600);
}

export function renderLeadershipSettings({ standbyNames, follows }: LeadershipSettings, slot: string): string {
  const settings = {
    primary_conninfo: follows ? `service=${LEADER_SERVICE}` : '',
    primary_slot_name: follows ? slot : '',
    synchronous_standby_names: standbyNames,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${quotedSetting(value)}`);
  return ['# Written by Nines; changes here are overwritten.', ...lines, ''].join('\n');
}
