/**
 * How a member starts, as a rule table: the first rule that matches wins.
 *
 * A member that has lost its disk must not come back under its old id: it has forgotten its votes and what it had
 * acknowledged, and together with one member that lags it could elect a leader without acknowledged writes. So it is
 * removed and added again, which makes it a new member with a new id that counts only once it has caught up.
 */
import type { ClusterMember } from '../../store/maintenance.ts';

/** What another member said when it was asked who belongs to the cluster. */
export type PeerAnswer =
  | { kind: 'members'; members: ClusterMember[] }
  /** It runs without a leader, and nobody in its log has ever served: it begins as well. */
  | { kind: 'begins' }
  /** Its host is there and says that nobody listens. */
  | { kind: 'nobody' }
  /** No answer: it may be frozen, cut off, or starting. */
  | { kind: 'silent' };

export type StartDecision =
  | { rule: 1 | 4 | 6; start: 'new'; reason: string }
  /** Under its old id first removed, when there is one. */
  | { rule: 2 | 3; start: 'join'; removeId: string | null; reason: string }
  | { rule: 5; start: 'wait'; reason: string };

export interface StartSituation {
  /** A write-ahead log is on the disk. */
  hasLog: boolean;
  peerUrl: string;
  /** One for each other placed member. */
  answers: PeerAnswer[];
}

export function decideStart({ hasLog, peerUrl, answers }: StartSituation): StartDecision {
  // etcd ignores the initial state when it has a log; 'new' is what it was told the first time.
  if (hasLog) return { rule: 1, start: 'new', reason: 'its log is on the disk: it goes on where it stopped' };
  const known = answers.find((answer) => answer.kind === 'members')?.members;
  if (known !== undefined) {
    const own = known.find(({ peerUrls }) => peerUrls.includes(peerUrl));
    if (own === undefined) return { rule: 2, start: 'join', removeId: null, reason: 'the cluster runs without it: it is added' };
    // Nameless: added, and perhaps started, by a try that was interrupted. Client URLs: it has served before.
    const wasThere = own.name === '' || own.clientUrls.length > 0;
    if (wasThere)
      return { rule: 3, start: 'join', removeId: own.id, reason: 'it has lost its data: it is removed and added as a new member' };
    return { rule: 4, start: 'new', reason: 'the cluster has just begun and expects it' };
  }
  if (answers.some(({ kind }) => kind === 'silent')) {
    return {
      rule: 5,
      start: 'wait',
      reason: 'it has no data and another member is silent: it cannot tell a new cluster from its own lost disk',
    };
  }
  return { rule: 6, start: 'new', reason: 'no member has served yet: the cluster begins' };
}

/** The initial cluster for a member that joins: exactly the members there are, the nameless ones named by their place. */
export function joiningCluster(members: ClusterMember[], nameOf: (peerUrl: string) => string | undefined): string {
  return members.flatMap(({ name, peerUrls }) => peerUrls.map((url) => `${name === '' ? (nameOf(url) ?? '') : name}=${url}`)).join(',');
}
