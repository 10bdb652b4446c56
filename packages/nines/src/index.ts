/** What `import ... from 'nines'` gives: the words of `nines.config.ts`. */
export { defineTopology } from './topology/define-topology.ts';
export type { Duration } from './topology/durations.ts';
export type { Size } from './topology/sizes.ts';
export type {
  EtcdWords,
  GatewayWords,
  HealthWords,
  HostWords,
  ObjectivesWords,
  ObserveWords,
  PostgresWords,
  RedisWords,
  RegionWords,
  SentinelWords,
  ServiceWords,
  TopologyWords,
  UsesWords,
  ZoneWords,
} from './topology/words.ts';
