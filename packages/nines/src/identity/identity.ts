/**
 * Who a host is and what it may know. Files on every host, written once at `up` (mode 0600, root);
 * never in argv, logs, the spec or error texts.
 */
import { join } from 'node:path';

/** `secrets.json`: random strings (base64url), the same on every host of a cluster. */
export interface ClusterSecrets {
  /** PostgreSQL role -> password, keyed by `${group}/${role}`; roles: 'postgres' (superuser), 'app', 'monitor', and one replication role `replica_<ordinal>` per node. */
  postgres: Record<string, string>;
  /** Redis ACL user -> password, keyed by `${group}/${user}`; users: 'app', 'replica', 'sentinel', 'agent'. */
  redis: Record<string, string>;
  /** Service secrets keyed by `${service}/${ENV_NAME}`. */
  services: Record<string, string>;
  /** VRRP authentication is void in version 3; kept for the stats of the gateway and later users, keyed by purpose. */
  other: Record<string, string>;
}

/** Names of certificate files in the identity folder of a host. Each key is readable by its one user alone. */
export type CertificateName = 'agent' | 'etcd' | 'postgres' | 'redis' | 'prometheus' | 'operator';

/** Who reads the key of each certificate: a user of the machine, by name. */
export const CERTIFICATE_USERS: Record<CertificateName, string> = {
  agent: 'root',
  etcd: 'etcd',
  postgres: 'postgres',
  redis: 'redis',
  prometheus: 'prometheus',
  operator: 'root',
};

/** What a host gets. The operator's is not among them: who breaks into one host must not command the others. */
export const HOST_CERTIFICATES = (Object.keys(CERTIFICATE_USERS) as CertificateName[]).filter((name) => name !== 'operator');

export interface CertificatePaths {
  caFile: string;
  certFile: string;
  keyFile: string;
}

/** Where a host's certificate of that name lies; the files need not exist yet. */
export function certificatePaths(identityDir: string, name: CertificateName): CertificatePaths {
  return {
    caFile: join(identityDir, 'ca.pem'),
    certFile: join(identityDir, `${name}.pem`),
    keyFile: join(identityDir, `${name}.key`),
  };
}

export function secretsPath(identityDir: string): string {
  return join(identityDir, 'secrets.json');
}
