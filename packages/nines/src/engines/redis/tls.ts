/** The lines that make Redis and Sentinel speak TLS alone. Pure. */
import type { CertificatePaths } from '../../identity/identity.ts';

export function tlsLines(address: string, port: number, certificate: CertificatePaths): [string, ...string[]][] {
  return [
    ['bind', address],
    ['port', '0'],
    ['tls-port', String(port)],
    ['tls-cert-file', certificate.certFile],
    ['tls-key-file', certificate.keyFile],
    ['tls-ca-cert-file', certificate.caFile],
    // Users are told apart by ACL passwords; services have no key to show.
    ['tls-auth-clients', 'no'],
    ['tls-replication', 'yes'],
    ['tls-protocols', 'TLSv1.2 TLSv1.3'],
  ];
}

/** One directive for each line, every argument quoted as Redis reads it. */
export function renderDirectives(directives: readonly (readonly [string, ...string[]])[]): string {
  return directives.map(([name, ...values]) => `${[name, ...values.map(quoted)].join(' ')}\n`).join('');
}

function quoted(value: string): string {
  if (/^[\w./:@*+-]+$/.test(value)) return value;
  return `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n').replaceAll('\r', '\\r')}"`;
}
