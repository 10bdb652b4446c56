/** What a user writes in `nines.config.ts`. Made from the schema by `node scripts/reference.ts`: change the schema, not this file. */
import type { Duration } from './durations.ts';
import type { Size } from './sizes.ts';

/** What should run where. */
export interface TopologyWords {
  /**
   * Name of the cluster. It cannot change while the cluster lives.
   * Allowed: a name of 1 to 20 characters: small letters, digits and '-', a letter first, no '-' last.
   */
  name: string;
  /**
   * Zones that are near each other (a few milliseconds).
   */
  regions: Record<string, RegionWords>;
  /**
   * A program of yours that answers HTTP, run several times.
   */
  services: Record<string, ServiceWords>;
  /**
   * HAProxy on several hosts behind one virtual address that keepalived moves.
   */
  gateway?: GatewayWords | null;
  /**
   * One PostgreSQL primary and its standbys by streaming replication.
   */
  postgres?: Record<string, PostgresWords>;
  /**
   * One Redis master, its replicas, and the Sentinels that watch them.
   */
  redis?: Record<string, RedisWords>;
  /**
   * etcd, in which the agents agree. Losing it does not stop the service.
   */
  etcd?: EtcdWords;
  /**
   * Prometheus and Alertmanager, on the least loaded host.
   */
  observe?: ObserveWords;
  /**
   * What the system promises its clients; reports are measured against it.
   */
  objectives?: ObjectivesWords;
}

/** Zones that are near each other (a few milliseconds). */
export interface RegionWords {
  /**
   * Hosts that may fail together: one power feed, one rack, one data centre.
   */
  zones: Record<string, ZoneWords>;
}

/** Hosts that may fail together: one power feed, one rack, one data centre. */
export interface ZoneWords {
  /**
   * The hosts of the zone. Names are unique in the whole topology.
   * Allowed: a list of host names, as ['a1', 'a2'], or an object of them, as { a1: { address: '10.0.0.3' } }.
   * Three zones with one host each survive the loss of any zone; more hosts in a zone add capacity, not zones.
   */
  hosts: string[] | Record<string, HostWords>;
}

/** One machine, or one network namespace of the lab. */
export interface HostWords {
  /**
   * The host's own address; engines listen on it alone. Machines must have one.
   * Allowed: an IPv4 address of one machine, as '10.0.0.3'.
   * @default the lab chooses one
   */
  address?: string;
}

/** A program of yours that answers HTTP, run several times. */
export interface ServiceWords {
  /**
   * What to run. `node` as the first word is the Node that runs Nines. The instance must listen on `$HOST:$PORT`.
   * Allowed: a list of words, the program first, as ['node', 'src/main.ts'] (no shell reads it).
   */
  command: string[];
  /**
   * Working folder, relative to `nines.config.ts`.
   * Allowed: a folder inside the project, relative to nines.config.ts, without '..', as '.' or 'services/orders'.
   * @default `'.'`
   */
  folder?: string;
  /**
   * First port; the n-th instance on a host listens on port + n.
   * Allowed: a whole number from 1024 to 65435.
   * @default `3000`
   */
  port?: number;
  /**
   * Instances in the whole cluster, spread over zones, then hosts.
   * Allowed: a whole number from 1 to 100.
   * Each zone should carry the load that is left when another is lost: with three zones, half of it.
   * @default two for each zone
   */
  replicas?: number;
  /**
   * Environment of the instances. Not for secrets: it is shown in diffs.
   * Allowed: an object: names of environment variables and their texts.
   * @default `{}`
   */
  env?: Record<string, string>;
  /**
   * Environment variables that Nines fills with a random value (32 bytes, base64url), one per cluster.
   * Allowed: a list of names of environment variables, as ['SESSION_KEY'].
   * @default `[]`
   */
  secrets?: string[];
  /**
   * Groups whose connection settings the instances get in their environment.
   */
  uses?: UsesWords;
  /**
   * How the gateway and the agent ask an instance how it is. 200 is good.
   */
  health?: HealthWords;
  /**
   * Path of its Prometheus metrics.
   * Allowed: a URL path as '/ready': '/' first, then letters, digits and . _ ~ - /, or null: no metrics.
   * @default `'/metrics'`
   */
  metrics?: string | null;
  /**
   * Run once per cluster before the first instance starts, and again when the command changes.
   * Allowed: a list of words, the program first, as ['node', 'src/main.ts'] (no shell reads it), or null: no migrations.
   * @default `null`
   */
  migrate?: string[] | null;
  /**
   * An instance that is not ready in this time after its start is restarted.
   * Allowed: a duration from '1s' to '30m': a number and ms, s, m, h or d, as in '250ms' or '1.5s'.
   * @default `'15s'`
   */
  startTimeout?: Duration;
  /**
   * Time to finish requests after SIGTERM; then SIGKILL.
   * Allowed: a duration from '100ms' to '30m': a number and ms, s, m, h or d, as in '250ms' or '1.5s'.
   * Longer lets slow requests end; a rolling restart waits for it up to once per instance.
   * @default `'10s'`
   */
  stopTimeout?: Duration;
  /**
   * Longest time the gateway waits for one instance before it tries the next. Below `objectives.readDeadline`.
   * Allowed: a duration from '50ms' to '10m': a number and ms, s, m, h or d, as in '250ms' or '1.5s'.
   * Half the read deadline leaves time for one more attempt after a hang; slower requests than this fail.
   * @default `'1s'`
   */
  requestTimeout?: Duration;
  /**
   * Requests that the gateway gives one instance at a time. More wait at the gateway for a quarter of a second, then get 503.
   * Allowed: a whole number from 1 to 100000.
   * An instance that takes all that comes answers nothing in time under overload; raise it for requests that are long and cheap.
   * @default `64`
   */
  maxConcurrent?: number;
  /**
   * Requests whose path begins so go to this service; the longest prefix wins.
   * Allowed: a URL path prefix as '/' or '/orders': '/' first, none last, letters, digits and . _ ~ -.
   * @default `'/'`
   */
  path?: string;
}

/** Groups whose connection settings the instances get in their environment. */
export interface UsesWords {
  /**
   * A group of `postgres`.
   * Allowed: a name of 1 to 20 characters: small letters, digits and '-', a letter first, no '-' last, or null: none.
   * @default `null`
   */
  postgres?: string | null;
  /**
   * A group of `redis`.
   * Allowed: a name of 1 to 20 characters: small letters, digits and '-', a letter first, no '-' last, or null: none.
   * @default `null`
   */
  redis?: string | null;
}

/** How the gateway and the agent ask an instance how it is. 200 is good. */
export interface HealthWords {
  /**
   * Liveness: the process is sound. Asked by the agent, which restarts the instance after several failures.
   * Allowed: a URL path as '/ready': '/' first, then letters, digits and . _ ~ - /.
   * It must not look at PostgreSQL or Redis: a database outage would restart every instance.
   * @default `'/livez'`
   */
  live?: string;
  /**
   * Readiness: it can take requests now. Asked by the gateways.
   * Allowed: a URL path as '/ready': '/' first, then letters, digits and . _ ~ - /.
   * @default `'/ready'`
   */
  ready?: string;
  /**
   * Start-up: pools and caches are warm. Asked once, before readiness.
   * Allowed: a URL path as '/ready': '/' first, then letters, digits and . _ ~ - /.
   * @default `'/startupz'`
   */
  startup?: string;
  /**
   * Time between two checks.
   * Allowed: a duration from '50ms' to '1m': a number and ms, s, m, h or d, as in '250ms' or '1.5s'.
   * Shorter finds a dead instance sooner and costs requests: gateways x instances / interval.
   * @default `'250ms'`
   */
  interval?: Duration;
  /**
   * A check without an answer in this time has failed.
   * Allowed: a duration from '50ms' to '1m': a number and ms, s, m, h or d, as in '250ms' or '1.5s'.
   * Shorter finds a frozen instance sooner; shorter than a garbage collection pause ejects sound ones.
   * @default `'500ms'`
   */
  timeout?: Duration;
}

/** HAProxy on several hosts behind one virtual address that keepalived moves. */
export interface GatewayWords {
  /**
   * Hosts that run a gateway.
   * Allowed: a whole number from 1 to 10.
   * Two survive one loss; each more adds health checks on every instance.
   * @default two, or one on a single host
   */
  replicas?: number;
  /**
   * The virtual address that clients use, on the network of the hosts.
   * Allowed: an IPv4 address of one machine, as '10.0.0.3'.
   * @default the lab chooses one
   */
  address?: string;
  /**
   * Where clients connect, on the virtual address.
   * Allowed: a whole number from 1024 to 65435.
   * @default `8080`
   */
  port?: number;
  /**
   * Failed requests within `failTimeout` after which an instance is taken out.
   * Allowed: a whole number from 1 to 1000.
   * Fewer eject sooner; 1 ejects on a single slow request.
   * @default `3`
   */
  maxFails?: number;
  /**
   * The window in which failures count, and the longest time an instance stays out for them.
   * Allowed: a duration from '1s' to '1h': a number and ms, s, m, h or d, as in '250ms' or '1.5s'.
   * Unlike nginx, an instance that passes its checks again returns at once.
   * @default `'30s'`
   */
  failTimeout?: Duration;
  /**
   * What counts as failed and goes to another instance; only idempotent or keyed requests are sent again.
   * Allowed: a list of 'error', 'timeout', 'invalid_header', 'http_500', 'http_502', 'http_503', 'http_504'.
   * @default `['error','timeout','invalid_header','http_500','http_502','http_503','http_504']`
   */
  nextUpstream?: ('error' | 'timeout' | 'invalid_header' | 'http_500' | 'http_502' | 'http_503' | 'http_504')[];
  /**
   * Largest request body that is kept for a second attempt.
   * Allowed: a size from '16kB' to '16MB': a number and B, kB, MB or GB (1024 each), as in '64MB'.
   * Gateways hold this much for every open connection, twice.
   * @default `'16kB'`
   */
  replayBody?: Size;
}

/** One PostgreSQL primary and its standbys by streaming replication. */
export interface PostgresWords {
  /**
   * Servers, the primary included; at most one on a host.
   * Allowed: a whole number from 1 to 7.
   * With three, one may be lost and writes stay safe on two; two stop writing or lose that safety.
   * @default three, or as many as there are hosts
   */
  replicas?: number;
  /**
   * When a commit is acknowledged: `quorum`: on one standby too; `strict`: the same and never without; `async`: on the primary alone.
   * Allowed: 'quorum', 'strict', 'async'.
   * `async` loses acknowledged writes with the primary; `strict` rather stops writing than run without a standby.
   * @default `'quorum'`
   */
  durability?: 'quorum' | 'strict' | 'async';
  /**
   * Port of every server of the group, and on the virtual address of its primary; the next one leads to the replicas there.
   * Allowed: a whole number from 1024 to 65435.
   * @default `5432`
   */
  port?: number;
  /**
   * Database made for the service at first start.
   * Allowed: a database name: small letters, digits and _, a letter first, at most 63; not template0 or template1.
   * @default `'app'`
   */
  database?: string;
  /**
   * More settings of postgresql.conf. Those that Nines decides are refused, with the reason.
   * Allowed: an object: PostgreSQL settings and their values as text, as { work_mem: '8MB' }.
   * @default `{}`
   */
  parameters?: Record<string, string>;
}

/** One Redis master, its replicas, and the Sentinels that watch them. */
export interface RedisWords {
  /**
   * Servers, the master included; at most one on a host.
   * Allowed: a whole number from 1 to 7.
   * @default three, or as many as there are hosts
   */
  replicas?: number;
  /**
   * Port of every server of the group.
   * Allowed: a whole number from 1024 to 65435.
   * @default `6379`
   */
  port?: number;
  /**
   * Memory for data; the least recently used keys go first.
   * Allowed: a size from '1MB' to '1024GB': a number and B, kB, MB or GB (1024 each), as in '64MB'.
   * @default `'64MB'`
   */
  maxMemory?: Size;
  /**
   * Redis Sentinel, which decides who is master.
   */
  sentinel?: SentinelWords;
}

/** Redis Sentinel, which decides who is master. */
export interface SentinelWords {
  /**
   * Port of every Sentinel of the group.
   * Allowed: a whole number from 1024 to 65435.
   * @default `26379`
   */
  port?: number;
  /**
   * Sentinels that must agree that the master is down; electing the next one always takes a majority.
   * Allowed: a whole number from 1 to 7.
   * Below a majority a cut-off minority may raise false alarms; above it one lost host stops the failover.
   * @default a majority of the Sentinels
   */
  quorum?: number;
  /**
   * Silence after which a Sentinel calls the master down.
   * Allowed: a duration from '200ms' to '10m': a number and ms, s, m, h or d, as in '250ms' or '1.5s'.
   * Shorter recovers sooner; shorter than the longest pause of the host fails over for nothing.
   * @default `'1s'`
   */
  downAfter?: Duration;
  /**
   * Longest time of one step of a failover; twice this until the next attempt on the same master.
   * Allowed: a duration from '1s' to '1h': a number and ms, s, m, h or d, as in '250ms' or '1.5s'.
   * @default `'10s'`
   */
  failoverTimeout?: Duration;
  /**
   * Replicas that follow the new master at the same time.
   * Allowed: a whole number from 1 to 7.
   * More are done sooner; each is away while it loads.
   * @default `1`
   */
  parallelSyncs?: number;
}

/** etcd, in which the agents agree. Losing it does not stop the service. */
export interface EtcdWords {
  /**
   * Members; at most one on a host.
   * Allowed: 1, 3, 5.
   * Three survive the loss of one, five of two; an even number survives no more than the odd one below it.
   * @default three, or one with fewer than three hosts
   */
  replicas?: 1 | 3 | 5;
  /**
   * Port for the agents.
   * Allowed: a whole number from 1024 to 65435.
   * @default `2379`
   */
  clientPort?: number;
  /**
   * Port for the other members.
   * Allowed: a whole number from 1024 to 65435.
   * @default `2380`
   */
  peerPort?: number;
}

/** Prometheus and Alertmanager, on the least loaded host. */
export interface ObserveWords {
  /**
   * Run Prometheus.
   * Allowed: true or false.
   * @default `true`
   */
  prometheus?: boolean;
  /**
   * Run Alertmanager beside it.
   * Allowed: true or false.
   * @default `true`
   */
  alertmanager?: boolean;
  /**
   * Port of Prometheus.
   * Allowed: a whole number from 1024 to 65435.
   * @default `9090`
   */
  prometheusPort?: number;
  /**
   * Port of Alertmanager.
   * Allowed: a whole number from 1024 to 65435.
   * @default `9093`
   */
  alertmanagerPort?: number;
  /**
   * How long figures are kept.
   * Allowed: a duration from '10m' to '365d': a number and ms, s, m, h or d, as in '250ms' or '1.5s'.
   * Longer costs disk: about 2 bytes per figure and scrape.
   * @default `'2h'`
   */
  retention?: Duration;
  /**
   * Time between two readings of every target.
   * Allowed: a duration from '1s' to '5m': a number and ms, s, m, h or d, as in '250ms' or '1.5s'.
   * Shorter shows short outages; it costs CPU and disk in proportion.
   * @default `'5s'`
   */
  scrapeInterval?: Duration;
}

/** What the system promises its clients; reports are measured against it. */
export interface ObjectivesWords {
  /**
   * Per cent of requests answered well within their deadline.
   * Allowed: per cent, a number from 50 to 99.9999.
   * @default `99.99`
   */
  availability?: number;
  /**
   * A read that takes longer has failed.
   * Allowed: a duration from '100ms' to '10m': a number and ms, s, m, h or d, as in '250ms' or '1.5s'.
   * @default `'2s'`
   */
  readDeadline?: Duration;
  /**
   * A write that takes longer has failed.
   * Allowed: a duration from '100ms' to '10m': a number and ms, s, m, h or d, as in '250ms' or '1.5s'.
   * @default `'3s'`
   */
  writeDeadline?: Duration;
}
