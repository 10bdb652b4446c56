/** Walls in words: why a rule whose situation is there does not act. What `explain` prints for a decision that was not taken. */

const COMMAND_UNDER_WAY = 'a command to PostgreSQL is under way';
const ELECTION_UNDECIDED = 'the election is not decided yet';
const UNKNOWN_TERM = 'a log is of a later term than the record has: etcd was set back, and nobody can lead behind that log by this record';
const OTHER_HISTORY = 'my log is not a part of the leader’s history';

/** '<rule>/<wall>' -> what stands in the way. A test holds that every wall of the table is here, and nothing else. */
export const WALL_WORDS: Readonly<Record<string, string>> = {
  'answer/promised': 'my promise for that epoch is not on disk yet',
  'obey/doesNotLead': 'I lead, and what a leader has is what the others copy',
  'obey/isStandby': 'PostgreSQL is not running as a standby',
  'obey/leftVoters': 'I am still counted as a voter, or an election runs: what I hold may be needed',
  'take/fencedEveryGuard': 'not enough voters have promised to acknowledge nothing more from the old leader',
  'take/knownTerm': UNKNOWN_TERM,
  'refute/consent': 'the voters have not agreed that the leader is well, and enough of them are alive to ask',
  'take-over/nothingAcknowledged': 'the leader has been open, so it may have acknowledged writes: only an election can replace it',
  'take-over/holdsFork': 'my log does not reach to where the new leader’s term begins',
  'force/knownTerm': UNKNOWN_TERM,
  'open-epoch/noOtherElection': 'an election is running already and is not overdue',
  'open-epoch/atRest': 'the end of my own log is not known yet',
  'promote/knownTerm': UNKNOWN_TERM,
  'promote/atFork': 'my log does not end where the record says that my term begins',
  'retake/knownTerm': UNKNOWN_TERM,
  'open/settled': COMMAND_UNDER_WAY,
  'open/onTarget': 'PostgreSQL does not wait for the recorded standbys yet',
  'open/proven': 'not enough standbys have been seen to hold the beginning of this term',
  'clear-own-taint/anchored': 'the term is not open yet',
  'admit/anchored': 'the term is not open yet',
  'shut-down/isVoter': 'the target is no voter, or the voters are just changing',
  'hand-over/knownTerm': UNKNOWN_TERM,
  'retarget/wellFormed': 'those standbys do not make a valid setting',
  'begin-change/oneAtATime': 'another change of the voters is under way',
  'begin-change/singleStep': 'the change is more than one step: only add, only remove, or only change the count',
  'begin-change/wellFormed': 'the voters asked for do not make a valid setting',
  'reverse-change/settled': COMMAND_UNDER_WAY,
  'end-change/settled': COMMAND_UNDER_WAY,
  'end-change/onNew': 'PostgreSQL has not loaded the new setting yet',
  'end-change/proven': 'the new setting has not been proven by the voters’ own positions yet',
  'rebuild/decided': ELECTION_UNDECIDED,
  'rebuild/knownTerm': 'my log is of a later term than the record has: etcd was set back, and nothing is given up by such a record',
  'rebuild/leftVoters': 'I am still counted as a voter: what I hold may be needed until I am not',
  'follow-uncounted/onHistory': OTHER_HISTORY,
  'follow/decided': ELECTION_UNDECIDED,
  'follow/onHistory': OTHER_HISTORY,
  'count/decided': ELECTION_UNDECIDED,
};

const BUSY = 'an earlier command has not been answered yet';

/** @param held as `Step.held` has it. A wall of another version of Nines is named as it is. */
export function wallWords(held: string): string {
  return WALL_WORDS[held] ?? (held.endsWith('/busy') ? BUSY : held);
}

/** 'open-epoch waits: an election is running already and is not overdue' */
export function heldWords(held: string): string {
  return `${held.split('/')[0] ?? held} waits: ${wallWords(held)}`;
}
