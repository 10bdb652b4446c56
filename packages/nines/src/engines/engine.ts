/**
 * The one small interface behind which every engine stands. `plan` is pure; the agent does the rest:
 * writes the files, runs `prepare`, starts the process, asks `observe`, stops it.
 */
import type { CertificateName, CertificatePaths, ClusterSecrets } from '../identity/identity.ts';
import type { ClusterSpec, PlacedUnit } from '../topology/cluster-spec.ts';

/** Folders of one host; the same in the lab and on a machine. */
export interface HostPaths {
  /** Durable: /var/lib/nines (in the lab the host's own disk is mounted there). */
  dataDir: string;
  /** Gone after a reboot: /run/nines (sockets, pids, rendered configuration). */
  runDir: string;
  /** Read-only code of the user's project: the folder of nines.config.ts as this host sees it. */
  projectDir: string;
  /** The Node that runs the agent and the services. */
  nodeFile: string;
}

export interface UnitContext {
  spec: ClusterSpec;
  unit: PlacedUnit;
  paths: HostPaths;
  secrets: ClusterSecrets;
  /** Files of this host's certificate of that name (see `identity/`). */
  certificate(name: CertificateName): CertificatePaths;
}

/** A user of the machine by name (Debian's packages create postgres, redis, etcd, haproxy, prometheus), or bare numbers for services. */
export type UnitUser = string | { uid: number; gid: number };

export interface UnitDirectory {
  path: string;
  mode: number;
  /** Owner; the unit's user when absent. */
  user?: UnitUser;
}

export interface UnitFile {
  path: string;
  content: string;
  mode: number;
  user?: UnitUser;
  /**
   * What a changed content asks for while the unit runs.
   * 'create-only': written when absent, then the engine's own (Sentinel rewrites its file).
   */
  onChange: 'restart' | 'reload' | 'nothing' | 'create-only';
}

/** Everything to run one unit on this host. Plain data: equal plans mean nothing to do. */
export interface UnitPlan {
  name: string;
  engine: string;
  /** Names of units on the same host that must be ready before this one starts; it stops before they do. */
  after: string[];
  /** argv[0] is an absolute path. No secrets. */
  argv: string[];
  env: Record<string, string>;
  cwd: string;
  user: UnitUser;
  /** Capabilities kept by an unprivileged user, e.g. ['net_bind_service']. */
  capabilities?: string[];
  directories: UnitDirectory[];
  files: UnitFile[];
  stop: { signal: NodeJS.Signals; timeoutMs: number };
  startTimeoutMs: number;
  /** Signal that makes the process read its files again; null: a change restarts it. */
  reloadSignal: NodeJS.Signals | null;
  /** Where it listens on this host, for conflicts and for `status`. */
  listens: { address: string; port: number; what: string }[];
}

export interface Observation {
  /** It does its work now. */
  ready: boolean;
  /** The process itself is sound; false asks for a restart after several in a row. Dependencies never make it false. */
  live: boolean;
  /** The process is up and only waits for others (members, a primary, instances): its start timeout no longer counts. */
  waitsForOthers?: boolean;
  /** 'primary', 'standby', 'master', 'replica', 'leader', 'follower', ... */
  role?: string;
  /** One sentence; shown in `status`. */
  reason: string;
  /** Figures worth showing (lag, term, connections). */
  details?: Record<string, string | number | boolean>;
}

/** The cluster's memory of what happens once in its life (in etcd). Both reject while etcd is away. */
export interface FirstTime {
  /** True: nobody has done it, and it is this host's to do. False: it was done before, or another host does it. */
  mayBegin(what: string, signal: AbortSignal): Promise<boolean>;
  /** From now on it was done, whatever happens to this host. Idempotent. */
  done(what: string, signal: AbortSignal): Promise<void>;
}

/** What `prepare` and `observe` may use. Every call ends by `signal`. */
export interface EngineIo {
  firstTime: FirstTime;
  signal: AbortSignal;
  /** Run a tool to its end; argv array, captured output, killed at the signal. Rejects with its last lines of stderr unless exit 0. */
  run(argv: string[], options?: RunOptions): Promise<{ stdout: string; stderr: string }>;
  log(message: string): void;
  /** Clients kept open between observations, keyed by the engine itself; closed when the unit is removed. */
  keep<T extends { close(): void | Promise<void> }>(key: string, open: () => T): T;
  /** Close and forget a kept client (after an error). */
  drop(key: string): void;
}

export interface RunOptions {
  user?: UnitUser;
  env?: Record<string, string>;
  cwd?: string;
  /** Written to standard input, which is then closed. */
  input?: string;
  timeoutMs?: number;
  /** Ends this one call, beside the signal of the whole. */
  signal?: AbortSignal;
}

export interface Engine {
  plan(context: UnitContext): UnitPlan;
  /** Before each start, after the files are written. Idempotent; may be interrupted anywhere and called again. */
  prepare?(context: UnitContext, plan: UnitPlan, io: EngineIo): Promise<void>;
  /** Never rejects for an engine that is merely down: that is `ready: false` with the reason. */
  observe(context: UnitContext, plan: UnitPlan, io: EngineIo): Promise<Observation>;
  /** Once after the unit first becomes ready in this life of the process (create roles, join a cluster). Idempotent. */
  onReady?(context: UnitContext, plan: UnitPlan, io: EngineIo): Promise<void>;
}
