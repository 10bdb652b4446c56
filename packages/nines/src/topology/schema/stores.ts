import { optional, section, withDefault } from './facts.ts';
import { choice, databaseName, duration, port, postgresParameters, size, wholeNumber } from './kinds.ts';

export const postgres = section('PostgresWords', 'One PostgreSQL primary and its standbys by streaming replication.', {
  replicas: optional(wholeNumber(1, 7), 'three, or as many as there are hosts', {
    what: 'Servers, the primary included; at most one on a host.',
    tradeoff: 'With three, one may be lost and writes stay safe on two; two stop writing or lose that safety.',
  }),
  durability: withDefault(choice(['quorum', 'strict', 'async']), 'quorum', {
    what: 'When a commit is acknowledged: `quorum`: on one standby too; `strict`: the same and never without; `async`: on the primary alone.',
    tradeoff: '`async` loses acknowledged writes with the primary; `strict` rather stops writing than run without a standby.',
  }),
  port: withDefault(port(), 5432, {
    what: 'Port of every server of the group, and on the virtual address of its primary; the next one leads to the replicas there.',
  }),
  database: withDefault(databaseName(), 'app', { what: 'Database made for the service at first start.' }),
  parameters: withDefault(
    postgresParameters(),
    {},
    {
      what: 'More settings of postgresql.conf. Those that Nines decides are refused, with the reason.',
    },
  ),
});

const sentinel = section('SentinelWords', 'Redis Sentinel, which decides who is master.', {
  port: withDefault(port(), 26_379, { what: 'Port of every Sentinel of the group.' }),
  quorum: optional(wholeNumber(1, 7), 'a majority of the Sentinels', {
    what: 'Sentinels that must agree that the master is down; electing the next one always takes a majority.',
    tradeoff: 'Below a majority a cut-off minority may raise false alarms; above it one lost host stops the failover.',
  }),
  downAfter: withDefault(duration('200ms', '10m'), '1s', {
    what: 'Silence after which a Sentinel calls the master down.',
    tradeoff: 'Shorter recovers sooner; shorter than the longest pause of the host fails over for nothing.',
  }),
  failoverTimeout: withDefault(duration('1s', '1h'), '10s', {
    what: 'Longest time of one step of a failover; twice this until the next attempt on the same master.',
  }),
  parallelSyncs: withDefault(wholeNumber(1, 7), 1, {
    what: 'Replicas that follow the new master at the same time.',
    tradeoff: 'More are done sooner; each is away while it loads.',
  }),
});

export const redis = section('RedisWords', 'One Redis master, its replicas, and the Sentinels that watch them.', {
  replicas: optional(wholeNumber(1, 7), 'three, or as many as there are hosts', {
    what: 'Servers, the master included; at most one on a host.',
  }),
  port: withDefault(port(), 6379, { what: 'Port of every server of the group.' }),
  maxMemory: withDefault(size('1MB', '1024GB'), '64MB', { what: 'Memory for data; the least recently used keys go first.' }),
  sentinel: sentinel.prefault({}),
});

export const etcd = section('EtcdWords', 'etcd, in which the agents agree. Losing it does not stop the service.', {
  replicas: optional(choice([1, 3, 5]), 'three, or one with fewer than three hosts', {
    what: 'Members; at most one on a host.',
    tradeoff: 'Three survive the loss of one, five of two; an even number survives no more than the odd one below it.',
  }),
  clientPort: withDefault(port(), 2379, { what: 'Port for the agents.' }),
  peerPort: withDefault(port(), 2380, { what: 'Port for the other members.' }),
});
