import { Agent, get } from 'node:https';
import { callGateway, memberOf } from './gateway.ts';
import type { StoreTls } from './client.ts';
import { type ClusterMember, clusterMembersOf, type MemberStatus, statusOf } from './maintenance.ts';
import { arrayOf, toBase64 } from './wire.ts';

/** One member, asked by itself: for its own health and for changes of the membership. All calls end by their signal. */
export interface MemberClient {
  status(signal: AbortSignal): Promise<MemberStatus>;
  /** Resolves when the cluster agrees on a read through this member. */
  readLinearizable(signal: AbortSignal): Promise<void>;
  members(signal: AbortSignal): Promise<ClusterMember[]>;
  removeMember(id: string, signal: AbortSignal): Promise<void>;
  /** Resolves with all members, the new one among them without a name. */
  addMember(peerUrl: string, signal: AbortSignal): Promise<ClusterMember[]>;
  /**
   * Client URLs of all members as this one's own log has them, by its peer port: it answers while there is no leader.
   * A member has client URLs from its first moment in a working cluster on.
   */
  knownClientUrls(peerPort: number, signal: AbortSignal): Promise<string[]>;
  /** Whether the process answers on its peer port, which it serves even while it waits for a quorum. */
  answersPeers(peerPort: number, signal: AbortSignal): Promise<boolean>;
  close(): void;
}

/** No such key: what counts is that the cluster agreed on its absence. */
const PROBE_KEY = '/nines-probe';

export function openMember(endpoint: string, tls: StoreTls): MemberClient {
  const member = memberOf(endpoint);
  const agent = new Agent({ ...tls, keepAlive: true, minVersion: 'TLSv1.2', maxFreeSockets: 1 });
  const call = (path: string, body: object, signal: AbortSignal) => callGateway({ member, agent, path, body, signal });
  return {
    status: async (signal) => statusOf(await call('/v3/maintenance/status', {}, signal)),
    readLinearizable: async (signal) => void (await call('/v3/kv/range', { key: toBase64(PROBE_KEY) }, signal)),
    members: async (signal) => clusterMembersOf(await call('/v3/cluster/member/list', {}, signal)),
    removeMember: async (id, signal) => void (await call('/v3/cluster/member/remove', { ID: id }, signal)),
    addMember: async (peerUrl, signal) => clusterMembersOf(await call('/v3/cluster/member/add', { peerURLs: [peerUrl] }, signal)),
    knownClientUrls: async (peerPort, signal) =>
      clientUrlsIn(await getText({ host: member.hostname, port: peerPort, path: '/members', agent, signal })),
    answersPeers: (peerPort, signal) =>
      new Promise((resolve) => {
        const outgoing = get({ host: member.hostname, port: peerPort, path: '/version', agent, signal });
        outgoing.once('response', (response) => {
          response.resume();
          resolve(true);
        });
        outgoing.on('error', () => resolve(false));
      }),
    close: () => agent.destroy(),
  };
}

async function getText(where: { host: string; port: number; path: string; agent: Agent; signal: AbortSignal }): Promise<string> {
  return await new Promise((resolve, reject) => {
    const asked = get(where, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.once('error', reject);
      response.once('end', () => (response.statusCode === 200 ? resolve(body) : reject(new Error(`etcd answered ${response.statusCode}`))));
    });
    asked.once('error', reject);
  });
}

/** A list of members, as the peer port writes it: ids are numbers beyond JavaScript's, and are not read. */
function clientUrlsIn(text: string): string[] {
  const members: unknown = JSON.parse(text);
  return arrayOf(members).flatMap(({ clientURLs }) => (Array.isArray(clientURLs) ? clientURLs.map(String) : []));
}
