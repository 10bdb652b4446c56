/**
 * Whether a Redis that is about to start is master or replica. Pure. A master that was replaced while it was away and
 * starts as master again takes writes that its demotion then throws away; one that starts empty empties its replicas.
 */

export interface Place {
  host: string;
  port: number;
}

/** What one Sentinel says of the group. */
export interface SentinelAnswer {
  master: Place;
  /** Grows with each failover. */
  configEpoch: number;
  failoverUnderWay: boolean;
}

export interface StartFacts {
  self: Place;
  nodes: readonly Place[];
  initialMaster: Place;
  /** Of the Sentinels that answered in time. */
  answers: readonly SentinelAnswer[];
  /** The master when this node last ran, as Sentinel's last CONFIG REWRITE left it; null: it never ran. */
  lastMaster: Place | null;
  /** This node has an append-only file. */
  hasData: boolean;
  /** Another node of the group has keys. */
  othersHaveData: boolean;
}

export type StartRole =
  | { role: 'master'; reason: string }
  | { role: 'replica'; of: Place; reason: string }
  /** Ask again a little later. */
  | { role: 'undecided'; reason: string };

interface Rule {
  number: number;
  decide(facts: StartFacts, newest: Place | null): StartRole | null;
}

const RULES: readonly Rule[] = [
  {
    number: 1,
    decide: ({ answers }) =>
      answers.some((answer) => answer.failoverUnderWay) ? { role: 'undecided', reason: 'a failover is under way' } : null,
  },
  {
    number: 2,
    decide: ({ self }, newest) =>
      newest !== null && !samePlace(newest, self) ? { role: 'replica', of: newest, reason: 'the Sentinels name another master' } : null,
  },
  {
    // Before every rule that could make it master.
    number: 3,
    decide: ({ self, hasData, othersHaveData, lastMaster, initialMaster }, newest) =>
      !hasData && othersHaveData && samePlace(newest ?? lastMaster ?? initialMaster, self)
        ? { role: 'undecided', reason: 'this node is to be master but has no data, and another node has' }
        : null,
  },
  {
    number: 4,
    decide: (_facts, newest) => (newest === null ? null : { role: 'master', reason: 'the Sentinels name it' }),
  },
  {
    // Nobody knows better. A master that was replaced meanwhile has no replicas and takes no writes.
    number: 5,
    decide: ({ self, lastMaster }) => {
      if (lastMaster === null) return null;
      if (samePlace(lastMaster, self)) return { role: 'master', reason: 'no Sentinel answers and it was master' };
      return { role: 'replica', of: lastMaster, reason: 'no Sentinel answers and this was its master' };
    },
  },
  {
    number: 6,
    decide: ({ self, initialMaster }) =>
      samePlace(initialMaster, self)
        ? { role: 'master', reason: 'first start of the group' }
        : { role: 'replica', of: initialMaster, reason: 'first start of the group' },
  },
];

/** First rule that applies; the reason starts with its number. */
export function roleAtStart(facts: StartFacts): StartRole {
  const known: StartFacts = { ...facts, lastMaster: memberOrNull(facts.nodes, facts.lastMaster) };
  const newest = newestMaster(facts);
  for (const rule of RULES) {
    const decided = rule.decide(known, newest);
    if (decided !== null) return { ...decided, reason: `rule ${rule.number}: ${decided.reason}` };
  }
  throw new Error('the last rule always applies');
}

/**
 * Of the greatest configuration epoch: what Sentinels themselves take for the newest. A minority may know of a failover
 * first, so a count of heads would be wrong. Places outside the group are no answer.
 */
function newestMaster({ answers, nodes }: StartFacts): Place | null {
  const heads = (place: Place) => answers.filter(({ master }) => samePlace(master, place)).length;
  const [newest] = answers
    .filter(({ master }) => memberOrNull(nodes, master) !== null)
    .toSorted((left, right) => right.configEpoch - left.configEpoch || heads(right.master) - heads(left.master));
  return newest?.master ?? null;
}

/**
 * The node that a majority of all Sentinels made master instead of this one; null when there is none. A deposed master
 * goes on until a Sentinel repoints it, which takes them 8 to 14 s, and clients that hold on to it cannot write.
 */
export function successorOf(self: Place, nodes: readonly Place[], sentinelCount: number, answers: readonly SentinelAnswer[]): Place | null {
  const successor = nodes.find((node) => answers.filter(({ master }) => samePlace(master, node)).length * 2 > sentinelCount);
  return successor === undefined || samePlace(successor, self) ? null : successor;
}

function memberOrNull(nodes: readonly Place[], place: Place | null): Place | null {
  return nodes.find((node) => place !== null && samePlace(node, place)) ?? null;
}

export function samePlace(left: Place, right: Place): boolean {
  return left.host === right.host && left.port === right.port;
}
