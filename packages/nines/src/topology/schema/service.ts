import { optional, orNull, required, section, withDefault } from './facts.ts';
import { argv, duration, name, pathPrefix, port, projectFolder, urlPath, variableNames, variables, wholeNumber } from './kinds.ts';

const uses = section('UsesWords', 'Groups whose connection settings the instances get in their environment.', {
  postgres: withDefault(orNull(name(), 'none'), null, { what: 'A group of `postgres`.' }),
  redis: withDefault(orNull(name(), 'none'), null, { what: 'A group of `redis`.' }),
});

const health = section('HealthWords', 'How the gateway and the agent ask an instance how it is. 200 is good.', {
  live: withDefault(urlPath(), '/livez', {
    what: 'Liveness: the process is sound. Asked by the agent, which restarts the instance after several failures.',
    tradeoff: 'It must not look at PostgreSQL or Redis: a database outage would restart every instance.',
  }),
  ready: withDefault(urlPath(), '/ready', { what: 'Readiness: it can take requests now. Asked by the gateways.' }),
  startup: withDefault(urlPath(), '/startupz', { what: 'Start-up: pools and caches are warm. Asked once, before readiness.' }),
  interval: withDefault(duration('50ms', '1m'), '250ms', {
    what: 'Time between two checks.',
    tradeoff: 'Shorter finds a dead instance sooner and costs requests: gateways x instances / interval.',
  }),
  timeout: withDefault(duration('50ms', '1m'), '500ms', {
    what: 'A check without an answer in this time has failed.',
    tradeoff: 'Shorter finds a frozen instance sooner; shorter than a garbage collection pause ejects sound ones.',
  }),
});

export const service = section('ServiceWords', 'A program of yours that answers HTTP, run several times.', {
  command: required(argv(), {
    what: 'What to run. `node` as the first word is the Node that runs Nines. The instance must listen on `$HOST:$PORT`.',
  }),
  folder: withDefault(projectFolder(), '.', { what: 'Working folder, relative to `nines.config.ts`.' }),
  port: withDefault(port(), 3000, { what: 'First port; the n-th instance on a host listens on port + n.' }),
  replicas: optional(wholeNumber(1, 100), 'two for each zone', {
    what: 'Instances in the whole cluster, spread over zones, then hosts.',
    tradeoff: 'Each zone should carry the load that is left when another is lost: with three zones, half of it.',
  }),
  env: withDefault(variables(), {}, { what: 'Environment of the instances. Not for secrets: it is shown in diffs.' }),
  secrets: withDefault(variableNames(), [], {
    what: 'Environment variables that Nines fills with a random value (32 bytes, base64url), one per cluster.',
  }),
  uses: uses.prefault({}),
  health: health.prefault({}),
  metrics: withDefault(orNull(urlPath(), 'no metrics'), '/metrics', { what: 'Path of its Prometheus metrics.' }),
  migrate: withDefault(orNull(argv(), 'no migrations'), null, {
    what: 'Run once per cluster before the first instance starts, and again when the command changes.',
  }),
  startTimeout: withDefault(duration('1s', '30m'), '15s', {
    what: 'An instance that is not ready in this time after its start is restarted.',
  }),
  stopTimeout: withDefault(duration('100ms', '30m'), '10s', {
    what: 'Time to finish requests after SIGTERM; then SIGKILL.',
    tradeoff: 'Longer lets slow requests end; a rolling restart waits for it up to once per instance.',
  }),
  requestTimeout: withDefault(duration('50ms', '10m'), '1s', {
    what: 'Longest time the gateway waits for one instance before it tries the next. Below `objectives.readDeadline`.',
    tradeoff: 'Half the read deadline leaves time for one more attempt after a hang; slower requests than this fail.',
  }),
  maxConcurrent: withDefault(wholeNumber(1, 100_000), 64, {
    what: 'Requests that the gateway gives one instance at a time. More wait at the gateway for a quarter of a second, then get 503.',
    tradeoff:
      'An instance that takes all that comes answers nothing in time under overload; raise it for requests that are long and cheap.',
  }),
  path: withDefault(pathPrefix(), '/', { what: 'Requests whose path begins so go to this service; the longest prefix wins.' }),
});
