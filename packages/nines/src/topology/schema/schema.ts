/** The schema of the user's words. Every option's facts are here; the reference page and `words.ts` are made from them. */
import type { z } from 'zod';
import { required, section } from './facts.ts';
import { gateway } from './gateway.ts';
import { name, named } from './kinds.ts';
import { regions } from './places.ts';
import { service } from './service.ts';
import { etcd, postgres, redis } from './stores.ts';
import { objectives, observe } from './watching.ts';

export const topologySchema = section('TopologyWords', 'What should run where.', {
  name: required(name(), { what: 'Name of the cluster. It cannot change while the cluster lives.' }),
  regions,
  services: named(service),
  gateway: gateway.nullable().prefault({}),
  postgres: named(postgres).prefault({}),
  redis: named(redis).prefault({}),
  etcd: etcd.prefault({}),
  observe: observe.prefault({}),
  objectives: objectives.prefault({}),
});

/** The words after the schema: numbers instead of '30s', every fixed default filled in. */
export type ParsedWords = z.output<typeof topologySchema>;
