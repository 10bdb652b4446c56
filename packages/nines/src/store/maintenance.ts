import type { CallOptions, Client } from './client.ts';
import type { Member } from './gateway.ts';
import { StoreRefusedError, StoreUnavailableError, StoreUnknownError } from './store-errors.ts';
import { RefusedError } from './gateway.ts';
import { arrayOf, int64Of, objectOf, stringOf } from './wire.ts';

/** What a member says of itself. */
export interface MemberStatus {
  /** 64-bit integer as a string. */
  memberId: string;
  /** '0': it knows no leader. */
  leaderId: string;
  raftTerm: string;
  version: string;
  databaseBytes: number;
  databaseUsedBytes: number;
  /** e.g. 'etcdserver: no leader' or an alarm. */
  errors: string[];
}

export type MemberReport = { endpoint: string; status: MemberStatus; problem: null } | { endpoint: string; status: null; problem: string };

/** One entry in the member list of a cluster. */
export interface ClusterMember {
  id: string;
  /** Empty until it has started for the first time after `member add`. */
  name: string;
  peerUrls: string[];
  /** Empty until it has started for the first time. */
  clientUrls: string[];
}

export function statusOf(answer: unknown): MemberStatus {
  const status = objectOf(answer);
  return {
    memberId: int64Of(objectOf(status['header'])['member_id']),
    leaderId: int64Of(status['leader']),
    raftTerm: int64Of(status['raftTerm']),
    version: stringOf(status['version']),
    databaseBytes: Number(int64Of(status['dbSize'])),
    databaseUsedBytes: Number(int64Of(status['dbSizeInUse'])),
    errors: stringsOf(status['errors']),
  };
}

export function clusterMembersOf(answer: unknown): ClusterMember[] {
  return arrayOf(objectOf(answer)['members']).map((member) => ({
    id: int64Of(member['ID']),
    name: stringOf(member['name']),
    peerUrls: stringsOf(member['peerURLs']),
    clientUrls: stringsOf(member['clientURLs']),
  }));
}

function stringsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}

/** Every member's word, each within the deadline; one that does not answer is a report too. */
export async function askStatus(client: Client, timeoutMs: number, signal?: AbortSignal): Promise<MemberReport[]> {
  const deadline = AbortSignal.timeout(timeoutMs);
  const ends = signal === undefined ? deadline : AbortSignal.any([deadline, signal]);
  const ask = async (member: Member): Promise<MemberReport> => {
    try {
      return {
        endpoint: member.endpoint,
        status: statusOf(await client.askOne(member, '/v3/maintenance/status', {}, ends)),
        problem: null,
      };
    } catch (error) {
      return { endpoint: member.endpoint, status: null, problem: error instanceof Error ? error.message : String(error) };
    }
  };
  return await Promise.all(client.members.members.map(ask));
}

/** Hands the leadership to that member, which has to be a follower. Rejects when no leader is known or it does not obey. */
export async function moveLeader(client: Client, memberId: string, timeoutMs: number, options: CallOptions = {}): Promise<void> {
  const limitMs = options.timeoutMs ?? timeoutMs;
  const reports = await askStatus(client, limitMs, options.signal);
  const leader = reports.find(({ status }) => status !== null && status.leaderId === status.memberId);
  const member = client.members.members.find(({ endpoint }) => endpoint === leader?.endpoint);
  if (member === undefined) throw new StoreUnavailableError('etcd: no member says that it leads');
  if (leader?.status?.memberId === memberId) return;
  try {
    const ends = AbortSignal.any([AbortSignal.timeout(limitMs), ...(options.signal === undefined ? [] : [options.signal])]);
    await client.askOne(member, '/v3/maintenance/transfer-leadership', { targetID: memberId }, ends);
  } catch (error) {
    if (error instanceof RefusedError) throw new StoreRefusedError(error.message, error.grpcCode, error);
    throw new StoreUnknownError(`etcd: the move of the leadership was not answered: ${String(error)}`, error);
  }
}
