/** Breadth first over every world within a scope: the first violation found has the shortest trace. */
import { acknowledged } from './acknowledge.ts';
import { actionsOf, normalised } from './actions.ts';
import { WorldPool } from './intern.ts';
import { violation } from './invariants.ts';
import { firstWorld, type Model, type World } from './world.ts';

export interface Exploration {
  states: number;
  /** Longest shortest way to any of them. */
  depth: number;
  /** Nothing within the scope was left out. */
  isComplete: boolean;
  violation: { promise: string; trace: string[] } | null;
}

export interface Bounds {
  states: number;
  /** Asked now and then; true ends the exploration, incomplete. */
  isOver: () => boolean;
  /** Seen once for every new world. */
  visit?: (world: World) => void;
}

export function explore(bare: Model, bounds: Bounds): Exploration {
  const pool = new WorldPool(bare.scope.nodes);
  const model: Model = { ...bare, keep: (host) => pool.keptHost(host) };
  const seen = new StateSet(pool.width);
  const key = new Int32Array(pool.width);
  const first = beginning(model);
  pool.encode(first, key);
  seen.add(key, -1);
  let depth = 0;
  let layerEnd = 1;
  const result = (isComplete: boolean, promise: string | null, world = -1): Exploration => {
    const found = promise === null ? null : { promise, trace: traceOf(model, pool, seen, world) };
    return { states: seen.size, depth, isComplete, violation: found };
  };
  for (let at = 0; at < seen.size; at++) {
    if (at === layerEnd) {
      depth++;
      layerEnd = seen.size;
    }
    if ((at & 255) === 0 && (seen.size >= bounds.states || bounds.isOver())) return result(false, null);
    for (const { world } of actionsOf(model, pool.decode(seen.states, at * pool.width))) {
      const next = settledWorld(model, world);
      pool.encode(next, key);
      if (!seen.add(key, at)) continue;
      bounds.visit?.(next);
      const promise = violation(next, model.scope.allowsLoss);
      if (promise !== null) return result(false, promise, seen.size - 1);
    }
  }
  return result(true, null);
}

export function settledWorld(model: Model, world: World): World {
  return acknowledged(normalised(model, world));
}

/** The first world after the scope's prologue. */
function beginning(model: Model): World {
  const { budget, candidates: _, ...others } = model.scope;
  const free: Model = { ...model, scope: { ...others, budget: { ...budget, restarts: 0 } } };
  let world = firstWorld(free.scope);
  for (const label of model.scope.prologue ?? []) {
    const actions = actionsOf(free, world);
    const action = actions.find((each) => each.label === label);
    if (action === undefined)
      throw new Error(`scope ${model.scope.name}: no '${label}' among: ${actions.map((each) => each.label).join('; ')}`);
    world = settledWorld(free, action.world);
  }
  return { ...world, budget: { ...world.budget, restarts: budget.restarts } };
}

/** The labels of the actions from the first world to this one, found by doing them again. */
function traceOf(model: Model, pool: WorldPool, seen: StateSet, last: number): string[] {
  const trace: string[] = [];
  const key = new Int32Array(pool.width);
  for (let at = last; seen.parents[at] !== -1; at = seen.parents[at] as number) {
    const parent = seen.parents[at] as number;
    for (const { label, world } of actionsOf(model, pool.decode(seen.states, parent * pool.width))) {
      pool.encode(settledWorld(model, world), key);
      if (!seen.isAt(key, at)) continue;
      trace.unshift(label);
      break;
    }
  }
  return trace;
}

/** Tuples of numbers, each once, in the order of their arrival, which is the queue of the search as well. */
class StateSet {
  size = 0;
  states: Int32Array;
  parents: Int32Array;
  #slots: Int32Array;
  readonly #width: number;

  constructor(width: number) {
    this.#width = width;
    this.states = new Int32Array(width * 4096);
    this.parents = new Int32Array(4096);
    this.#slots = new Int32Array(16_384);
  }

  add(key: Int32Array, parent: number): boolean {
    const slot = this.#slotOf(key);
    if (this.#slots[slot] !== 0) return false;
    if (this.size === this.parents.length) this.#grow();
    this.states.set(key, this.size * this.#width);
    this.parents[this.size] = parent;
    this.size++;
    this.#slots[slot] = this.size;
    if (this.size * 2 > this.#slots.length) this.#rehash();
    return true;
  }

  isAt(key: Int32Array, index: number): boolean {
    for (let at = 0; at < this.#width; at++) if (this.states[index * this.#width + at] !== key[at]) return false;
    return true;
  }

  #slotOf(key: Int32Array): number {
    const mask = this.#slots.length - 1;
    let slot = hashed(key) & mask;
    while (this.#slots[slot] !== 0 && !this.isAt(key, (this.#slots[slot] as number) - 1)) slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    const states = new Int32Array(this.states.length * 2);
    states.set(this.states);
    const parents = new Int32Array(this.parents.length * 2);
    parents.set(this.parents);
    this.states = states;
    this.parents = parents;
  }

  #rehash(): void {
    this.#slots = new Int32Array(this.#slots.length * 2);
    for (let index = 0; index < this.size; index++) {
      this.#slots[this.#slotOf(this.states.subarray(index * this.#width, (index + 1) * this.#width))] = index + 1;
    }
  }
}

function hashed(key: Int32Array): number {
  let hash = 0x811c9dc5;
  for (const part of key) {
    hash = Math.imul(hash ^ part, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash >>> 0;
}
