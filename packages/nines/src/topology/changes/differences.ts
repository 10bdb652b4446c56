import type { ClusterSpec, PlacedUnit } from '../cluster-spec.ts';
import { byText } from '../placement/wants.ts';
import { pathText } from '../problems.ts';
import { leaves, type Plain } from './leaves.ts';

/** One thing that `apply` would do. `before` or `after` is undefined where there is nothing. */
export interface Change {
  kind: 'unit-added' | 'unit-removed' | 'unit-moved' | 'unit-changed' | 'unit-restarted' | 'setting-changed';
  /** The unit ('orders-2@b1' names where it was, or is if it is new) or the path of the setting ('services.orders.replicas'). */
  what: string;
  before: Plain | undefined;
  after: Plain | undefined;
  /** One line for people. */
  line: string;
}

/** Everything that differs between two specs but the revision and the reasons of placement; sorted; empty when nothing would be done. */
export function differences(before: ClusterSpec, after: ClusterSpec): Change[] {
  return [...settingChanges(before, after), ...unitChanges(before, after), ...restartChanges(before, after)].sort(
    (left, right) => KINDS.indexOf(left.kind) - KINDS.indexOf(right.kind) || byText(left.what, right.what),
  );
}

const KINDS: Change['kind'][] = ['setting-changed', 'unit-added', 'unit-moved', 'unit-changed', 'unit-restarted', 'unit-removed'];

function settingChanges(before: ClusterSpec, after: ClusterSpec): Change[] {
  const [old, now] = [leaves(settings(before)), leaves(settings(after))];
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((path) => {
    const [was, is] = [old.get(path), now.get(path)];
    if (JSON.stringify(was) === JSON.stringify(is)) return [];
    const what = pathText(JSON.parse(path) as string[]);
    const line =
      was === undefined
        ? `${what}: ${shown(is)}`
        : is === undefined
          ? `${what}: ${shown(was)} is gone`
          : `${what}: ${shown(was)} -> ${shown(is)}`;
    return [{ kind: 'setting-changed' as const, what, before: was, after: is, line: `~ ${line}` }];
  });
}

/** The topology with the addresses that hold in place of those that were asked for. */
function settings({ topology, hosts, gatewayAddress, networkPrefix }: ClusterSpec): Plain {
  const gateway = topology.gateway === null ? null : { ...topology.gateway, address: gatewayAddress };
  return { ...topology, hosts, gateway, networkPrefix } as unknown as Plain;
}

function shown(value: Plain | undefined): string {
  return JSON.stringify(value) ?? 'nothing';
}

function unitChanges(before: ClusterSpec, after: ClusterSpec): Change[] {
  const old = new Map(before.placement.units.map((unit) => [identity(unit), unit]));
  const now = new Map(after.placement.units.map((unit) => [identity(unit), unit]));
  const changed = [...now].flatMap(([id, unit]) => {
    const was = old.get(id);
    return was === undefined ? [unitChange('unit-added', unit, undefined, unit)] : changesOfUnit(was, unit);
  });
  const removed = [...old].filter(([id]) => !now.has(id)).map(([, unit]) => unitChange('unit-removed', unit, unit, undefined));
  return [...changed, ...removed];
}

/** A unit keeps engine, group and ordinal for its life. */
function identity({ engine, group, ordinal }: PlacedUnit): string {
  return JSON.stringify([engine, group, ordinal]);
}

function changesOfUnit(was: PlacedUnit, is: PlacedUnit): Change[] {
  if (was.host !== is.host) return [unitChange('unit-moved', was, was, is)];
  const same = was.slot === is.slot && was.initialLeader === is.initialLeader && was.name === is.name;
  return same ? [] : [unitChange('unit-changed', was, was, is)];
}

function unitChange(kind: Change['kind'], unit: PlacedUnit, was: PlacedUnit | undefined, is: PlacedUnit | undefined): Change {
  const what = `${unit.name}@${unit.host}`;
  const line: Partial<Record<Change['kind'], string>> = {
    'unit-added': `+ ${unit.name} on ${unit.host}: ${is?.reason}`,
    'unit-removed': `- ${unit.name} on ${unit.host}`,
    'unit-moved': `> ${unit.name} from ${was?.host} to ${is?.host}: ${is?.reason}`,
    'unit-changed': `~ ${unit.name} on ${unit.host}: ${traits(was)} -> ${traits(is)}`,
  };
  return { kind, what, before: was as unknown as Plain, after: is as unknown as Plain, line: line[kind] ?? what };
}

function traits(unit: PlacedUnit | undefined): string {
  return `slot ${unit?.slot}${unit?.initialLeader === true ? ', leads first' : ''}`;
}

function restartChanges(before: ClusterSpec, after: ClusterSpec): Change[] {
  return Object.entries(after.restarts).flatMap(([what, count]) => {
    const was = before.restarts[what] ?? 0;
    return count > was
      ? [{ kind: 'unit-restarted' as const, what, before: was, after: count, line: `^ ${what.replace('@', ' on ')} restarts` }]
      : [];
  });
}
