/** What a careful person writes in five minutes: checks, sane timeouts, the client's address, nothing else. */
export function handWritten(bind: string, servers: { name: string; address: string; port: number }[]): string {
  return [
    'global',
    '    maxconn 4000',
    'defaults',
    '    mode http',
    '    timeout connect 5s',
    '    timeout client 30s',
    '    timeout server 30s',
    '    option forwardfor',
    'frontend web',
    `    bind ${bind}`,
    '    default_backend app',
    'backend app',
    '    balance roundrobin',
    '    option httpchk GET /ready',
    '    default-server check inter 1s',
    ...servers.map(({ name, address, port }) => `    server ${name} ${address}:${port}`),
    '',
  ].join('\n');
}
