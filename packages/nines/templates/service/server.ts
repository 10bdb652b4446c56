/**
 * A small service without dependencies, written so that no single death costs a request.
 * Nines starts several of it, tells each where to listen (HOST, PORT), asks it how it is, and stops it with SIGTERM.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

const host = process.env['HOST'] ?? '127.0.0.1';
const port = Number(process.env['PORT'] ?? 3000);
const instance = process.env['NINES_INSTANCE'] ?? `${host}:${port}`;
const zone = process.env['NINES_ZONE'] ?? 'none';

/** How long the gateways take to notice that this instance is not ready any more. */
const leaveGatewayMs = Number(process.env['NINES_DRAIN_MS'] ?? 750);
/** `stopTimeout` of nines.config.ts: after this Nines kills. */
const stopMs = Number(process.env['NINES_STOP_MS'] ?? 10_000);

let isStarted = false;
let isStopping = false;
const requestsInFlight = new Set<string>();
const requestsByStatus = new Map<number, number>();

const routes: Record<string, (request: IncomingMessage, response: ServerResponse) => void> = {
  // Your service begins here. It keeps nothing in memory that another instance would miss.
  '/': (_request, response) => send(response, 200, { message: 'Hello from a service that stays up.', instance, zone }),

  // Liveness: is this process sound? Never asks a database: its outage must not restart every instance.
  '/livez': (_request, response) => send(response, 200, { live: true }),
  // Start-up: are pools and caches warm? Asked until it says yes once.
  '/startupz': (_request, response) => send(response, isStarted ? 200 : 503, { started: isStarted }),
  // Readiness: may the gateway send requests now? Says no first when the instance is to stop.
  '/ready': (_request, response) => send(response, isReady() ? 200 : 503, { ready: isReady() }),
  // Health, for people and monitors: the instance with everything that it needs. Add your dependencies here, each with a deadline.
  '/healthz': (_request, response) => send(response, isReady() ? 200 : 503, { status: isReady() ? 'ok' : 'stopping' }),
  '/metrics': (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' });
    response.end(metrics());
  },
};

const server = createServer((request, response) => {
  const path = new URL(request.url ?? '/', 'http://service').pathname;
  const name = `${request.method} ${path}`;
  requestsInFlight.add(name);
  response.once('close', () => {
    requestsInFlight.delete(name);
    requestsByStatus.set(response.statusCode, (requestsByStatus.get(response.statusCode) ?? 0) + 1);
  });
  // While it stops, clients and gateways are asked to bring their next request elsewhere.
  if (isStopping) response.setHeader('connection', 'close');
  const route = routes[path];
  if (route === undefined) send(response, 404, { error: `there is nothing at ${path}` });
  else route(request, response);
});

server.listen(port, host, () => {
  isStarted = true;
  console.log(`listening on http://${host}:${port}`);
});

process.once('SIGTERM', stop);
process.once('SIGINT', stop);

function isReady(): boolean {
  return isStarted && !isStopping;
}

/** Not ready -> the gateways leave -> no new connections -> requests in flight end -> exit 0. */
function stop(): void {
  isStopping = true;
  setTimeout(() => {
    server.close(() => process.exit(0));
    server.closeIdleConnections();
    setTimeout(() => {
      console.error(`stopped with requests in flight: ${[...requestsInFlight].join(', ')}`);
      process.exit(1);
    }, stopMs - leaveGatewayMs).unref();
  }, leaveGatewayMs);
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(body)}\n`);
}

/** Prometheus reads this; the alert on 5xx answers counts on the name. */
function metrics(): string {
  const lines = ['# HELP http_requests_total Requests answered.', '# TYPE http_requests_total counter'];
  for (const [status, count] of requestsByStatus) lines.push(`http_requests_total{status="${status}"} ${count}`);
  return `${lines.join('\n')}\n`;
}
