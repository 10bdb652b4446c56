/** What shows each mutant: every one stands in one of these lists, or has a situation (situations.ts). */

/** The scope in which a promise is broken. */

export const CAUGHT_IN: Readonly<Record<string, string>> = {
  'answer/promised': 'exit',
  'take/fencedEveryGuard': 'election',
  'take-over/nothingAcknowledged': 'two-elections',
  'take-over/holdsFork': 'two-elections',
  'promote/atFork': 'exit',
  'open/settled': 'retargeted-twice',
  'open/proven': 'two-elections',
  'admit/anchored': 'election',
  'begin-change/oneAtATime': 'change',
  'begin-change/singleStep': 'mixed-setting',
  'end-change/settled': 'reversed-twice',
  'end-change/onNew': 'change',
  'arithmetic/quorum one smaller': 'election',
  'arithmetic/newest guard only': 'change',
  'arithmetic/oldest guard only': 'lone',
  'arithmetic/length alone': 'long-tail',
  'arithmetic/any log': 'election',
  'arithmetic/guard without the old leader': 'two-elections',
  'arithmetic/guard of the newest only': 'change-elections',
  'arithmetic/guard without acks': 'first',
  'arithmetic/mixed step': 'mixed-setting',
  'arithmetic/term is kept': 'election',
  'arithmetic/any log holds': 'two-elections',
  'arithmetic/reports of any epoch': 'old-reports',
  'open/onTarget': 'retarget',
  'retarget/wellFormed': 'retarget',
  'begin-change/wellFormed': 'change',
  'end-change/proven': 'change',
  'follow/decided': 'election',
  'rule/read-again': 'election',
  'duty/bootFenced': 'restart',
  'duty/receiverDead': 'election',
  'duty/exactRevision': 'two-elections',
  'duty/unknownStaysUnknown': 'loss',
  'duty/failClosed': 'election',
  'duty/freshTimeline': 'two-elections',
  'duty/everySender': 'change',
  'duty/flushedByQuorum': 'two-elections',
  'duty/armed': 'lone',
  'duty/diesWithAgent': 'change-restart',
  'duty/atomicReplace': 'second',
  'duty/checkpointArrived': 'switchover',
};

/** Nothing is lost without them, but a group does not recover: the first seed with which that shows. */
export const STUCK_IN: Readonly<Record<string, number>> = {
  'arithmetic/any history': 14,
};

/** Reasons, not proofs: what the shell promises twice. Each is tested on real servers. */
export const LIVES_BECAUSE: Readonly<Record<string, string>> = {
  'duty/promiseDurable': 'second wall behind reading the record after a start',
  'duty/termInName': 'second wall behind receiverDead',
  'duty/taintFirst': 'second wall behind unique timelines',
};
