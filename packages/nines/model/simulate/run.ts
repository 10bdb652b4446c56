/** One simulated group through one plague and its recovery. */
import type { Event } from '../../src/failover/events.ts';
import { compareLogs } from '../../src/failover/log.ts';
import type { NodeState } from '../../src/failover/state.ts';
import type { Step } from '../../src/failover/step.ts';
import { UNCHANGED } from '../unchanged.ts';
import { makeModel, type Model, type Scope } from '../world.ts';
import { Agents } from './agents.ts';
import { heal, LASTING, type Lasting, plague } from './faults.ts';
import { illness, Progress, unserved } from './health.ts';
import { Random } from './random.ts';
import { Simulation } from './simulation.ts';

export interface Outcome {
  seed: number;
  nodes: number;
  lasting: Lasting;
  /** The first broken promise. */
  broken: string | null;
  /** What was still wrong a bounded time after all that could heal had healed. */
  stuck: string | null;
  /** How long it took until nothing was wrong. */
  healedMs: number | null;
  terms: number;
  epochs: number;
  /** An operator had to give up what a lone leader had. */
  forced: boolean;
}

export interface Listener {
  decided?: (nowMs: number, before: NodeState, event: Event, step: Step) => void;
  happened?: (nowMs: number, what: string) => void;
}

const SICK_MS = 20_000;
/** A host may boot for 15 s, a leader may have to wait for 10 s before it is lone, then voters come back one by one. */
const RECOVERY_MS = 60_000;
const LOOK_MS = 100;
/** Writes that are acknowledged for this long, one every 50 ms, are no accident. */
const SERVED_MS = 1_000;

export function runSeed(seed: number, parts: Partial<Pick<Model, 'step' | 'duties'>> = {}, listener: Listener = {}): Outcome {
  const random = new Random(seed);
  const nodes = random.pick([3, 3, 3, 5]);
  let nowMs = (): number => 0;
  const step = (before: NodeState, event: Event): Step => {
    const decided = (parts.step ?? UNCHANGED.step)(before, event);
    listener.decided?.(nowMs(), before, event, decided);
    return decided;
  };
  const model = makeModel({ scope: scopeOf(nodes), ...UNCHANGED, ...parts, step, watch: () => {} });
  const simulation = new Simulation(model, random);
  nowMs = () => simulation.nowMs;
  const agents = new Agents(simulation);
  const note = (what: string): void => listener.happened?.(simulation.nowMs, what);
  plague(simulation, random.pick([150, 400, 1_000, 3_000]), SICK_MS, note);
  simulation.runUntil(SICK_MS, () => false);
  heal(simulation);
  const lasting = random.pick(LASTING);
  const patient = lasting.begin(simulation);
  note(`healed, but for: ${lasting.what} (${patient})`);
  const stuck = recovered(simulation, agents, lasting);
  const { term, epoch } = simulation.world.etcd.record;
  const { broken } = simulation;
  return {
    seed,
    nodes,
    lasting,
    broken,
    stuck,
    healedMs: (broken ?? stuck) === null ? simulation.nowMs - SICK_MS : null,
    terms: term,
    forced: simulation.allowsLoss,
    epochs: epoch,
  };
}

function scopeOf(nodes: number): Scope {
  const budget = { writes: 0, exits: 0, restarts: 1, losses: 0, requests: 0 };
  return {
    name: 'simulation',
    what: '',
    nodes,
    acks: nodes === 5 ? 2 : 1,
    epochs: Number.POSITIVE_INFINITY,
    budget,
    requests: [],
    keepsOldMail: true,
  };
}

/** What is wrong at the end of the time; null as soon as nothing is. */
function recovered(simulation: Simulation, agents: Agents, lasting: Lasting): string | null {
  const progress = new Progress();
  let wrong: string | null = 'nothing was looked at';
  simulation.every(LOOK_MS, null, null, () => {
    progress.look(simulation);
    if (!lasting.isWhole && lasting.isHopeless(simulation)) forceSomebody(simulation);
    if (lasting.isWhole) wrong = illness(simulation, agents);
    else wrong = progress.servedMs(simulation.nowMs) >= SERVED_MS ? null : (unserved(simulation) ?? 'nothing is acknowledged');
  });
  simulation.runUntil(SICK_MS + RECOVERY_MS, () => wrong === null);
  return simulation.broken === null ? wrong : null;
}

/** What an operator does when nobody may lead: the newest log that is there leads, whatever else was acknowledged. */
function forceSomebody(simulation: Simulation): void {
  const { leader } = simulation.world.etcd.record;
  if (unserved(simulation) === null) return;
  const living = simulation.world.hosts.filter(({ core }) => core.me !== leader && !simulation.isOff(core.me));
  const [newest] = living.toSorted((left, right) => compareLogs(right.disk.log, left.disk.log));
  if (newest === undefined) return;
  simulation.allowsLoss = true;
  simulation.give(newest.core.me, { kind: 'request', request: { kind: 'force' } });
}
