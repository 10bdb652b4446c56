import { optional, section, withDefault } from './facts.ts';
import { address, choices, duration, port, size, wholeNumber } from './kinds.ts';

const NEXT_UPSTREAM = ['error', 'timeout', 'invalid_header', 'http_500', 'http_502', 'http_503', 'http_504'] as const;

export const gateway = section('GatewayWords', 'HAProxy on several hosts behind one virtual address that keepalived moves.', {
  replicas: optional(wholeNumber(1, 10), 'two, or one on a single host', {
    what: 'Hosts that run a gateway.',
    tradeoff: 'Two survive one loss; each more adds health checks on every instance.',
  }),
  address: optional(address(), 'the lab chooses one', { what: 'The virtual address that clients use, on the network of the hosts.' }),
  port: withDefault(port(), 8080, { what: 'Where clients connect, on the virtual address.' }),
  maxFails: withDefault(wholeNumber(1, 1000), 3, {
    what: 'Failed requests within `failTimeout` after which an instance is taken out.',
    tradeoff: 'Fewer eject sooner; 1 ejects on a single slow request.',
  }),
  failTimeout: withDefault(duration('1s', '1h'), '30s', {
    what: 'The window in which failures count, and the longest time an instance stays out for them.',
    tradeoff: 'Unlike nginx, an instance that passes its checks again returns at once.',
  }),
  nextUpstream: withDefault(choices(NEXT_UPSTREAM), [...NEXT_UPSTREAM], {
    what: 'What counts as failed and goes to another instance; only idempotent or keyed requests are sent again.',
  }),
  replayBody: withDefault(size('16kB', '16MB'), '16kB', {
    what: 'Largest request body that is kept for a second attempt.',
    tradeoff: 'Gateways hold this much for every open connection, twice.',
  }),
});
