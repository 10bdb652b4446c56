import { createPrivateKey, X509Certificate } from 'node:crypto';
import { chmod, mkdir, readFile } from 'node:fs/promises';
import { isIPv4 } from 'node:net';
import { NinesError } from '../errors/errors.ts';
import { allDone, inTemporaryFolder, moveInto, readFileIfPresent, writeFileAtomic } from './atomic-file.ts';
import { authorityPaths, CERTIFICATE_DAYS, readSecrets } from './cluster-identity.ts';
import { HOST_CERTIFICATES, certificatePaths, secretsPath, type CertificateName } from './identity.ts';
import { issue, type CertificateRequest } from './openssl.ts';

export interface HostIdentityOptions {
  clusterDir: string;
  /** Where the host's copy goes; made with mode 0700. */
  outDir: string;
  /** DNS label, such as `west-a-1`. */
  host: string;
  /** IPv4 address of the host. */
  address: string;
  /** The gateway's virtual address, where clients find PostgreSQL; null or absent: there is none. */
  gatewayAddress?: string | null;
  signal: AbortSignal;
}

/** A certificate with less left is replaced when the identity is issued again. */
const RENEW_BEFORE_MS = 30 * 24 * 3600 * 1000;

/**
 * Make what one host needs: the authority's certificate, the secrets, and one certificate per name. Idempotent: a
 * certificate is kept while it is sound for this host and address; secrets follow those of the cluster.
 * Rejects with E_IDENTITY (cluster identity missing or damaged) or E_CONFIG_INVALID (host name or address).
 */
export async function issueHostIdentity(options: HostIdentityOptions): Promise<void> {
  checkNames(options);
  await mkdir(options.outDir, { recursive: true, mode: 0o700 });
  await chmod(options.outDir, 0o700);
  const secrets = await readSecrets(options.clusterDir);
  const authority = await readFile(authorityPaths(options.clusterDir).certFile, 'utf8');
  const { caFile } = certificatePaths(options.outDir, 'agent');
  await allDone([
    writeWhenDifferent(caFile, authority, 0o644),
    writeWhenDifferent(secretsPath(options.outDir), `${JSON.stringify(secrets, null, 2)}\n`, 0o600),
    ...HOST_CERTIFICATES.map((name) => issueCertificate(options, new X509Certificate(authority), name)),
  ]);
}

/** The operator's client certificate, for the commands of whoever keeps the cluster's identity. Idempotent. */
export async function issueOperatorIdentity(options: Omit<HostIdentityOptions, 'host' | 'address' | 'gatewayAddress'>): Promise<void> {
  const holder = { ...options, host: 'operator', address: '127.0.0.1' };
  await mkdir(options.outDir, { recursive: true, mode: 0o700 });
  const authority = await readFile(authorityPaths(options.clusterDir).certFile, 'utf8');
  await writeWhenDifferent(certificatePaths(options.outDir, 'operator').caFile, authority, 0o644);
  await issueCertificate(holder, new X509Certificate(authority), 'operator');
}

/** These words go into openssl's configuration, where a line break or a comma would be another extension. */
function checkNames({ host, address, gatewayAddress = null }: HostIdentityOptions): void {
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(host)) {
    throw new NinesError(
      'E_CONFIG_INVALID',
      `host name ${JSON.stringify(host)}: allowed are a-z, 0-9 and '-' inside, at most 63 characters`,
    );
  }
  for (const each of gatewayAddress === null ? [address] : [address, gatewayAddress]) {
    if (!isIPv4(each))
      throw new NinesError('E_CONFIG_INVALID', `address ${JSON.stringify(each)} of host ${host}: it has to be an IPv4 address`);
  }
}

/** Clients reach PostgreSQL through the gateway too, and check the address that they were given. */
function addressesOf({ address, gatewayAddress = null }: HostIdentityOptions, name: CertificateName): string[] {
  return name === 'postgres' && gatewayAddress !== null ? [address, gatewayAddress] : [address];
}

async function writeWhenDifferent(path: string, content: string, mode: number): Promise<void> {
  if ((await readFileIfPresent(path)) !== content) await writeFileAtomic(path, content, { mode });
}

async function issueCertificate(options: HostIdentityOptions, authority: X509Certificate, name: CertificateName): Promise<void> {
  const { certFile, keyFile } = certificatePaths(options.outDir, name);
  const [certificate, key] = await Promise.all([readFileIfPresent(certFile), readFileIfPresent(keyFile)]);
  if (certificate !== null && key !== null && isSound(certificate, key, authority, options, name)) return;
  await inTemporaryFolder(options.outDir, name, async (folder) => {
    const made = await issue(folder, authorityPaths(options.clusterDir), certificateRequest(name, options), options.signal);
    // An interruption between the two leaves a pair that does not match, which is not sound: issued again next time.
    await moveInto(made.keyFile, keyFile, 0o600);
    await moveInto(made.certFile, certFile, 0o644);
  });
}

function isSound(certificate: string, key: string, authority: X509Certificate, host: HostIdentityOptions, name: CertificateName): boolean {
  try {
    const parsed = new X509Certificate(certificate);
    const named =
      name === 'operator' ||
      (addressesOf(host, name).every((address) => parsed.checkIP(address) !== undefined) && parsed.checkHost(host.host) !== undefined);
    return (
      named &&
      parsed.verify(authority.publicKey) &&
      parsed.checkPrivateKey(createPrivateKey(key)) &&
      Date.parse(parsed.validTo) - Date.now() > RENEW_BEFORE_MS
    );
  } catch {
    return false; // a part of a file, after a power loss
  }
}

/**
 * OU carries the certificate's name, so that the agent API can tell an operator from an engine.
 * etcd takes any client certificate of the cluster's authority for its master, so only those that have to be clients are:
 * what PostgreSQL or Redis hold opens nothing. etcd's JSON gateway dials its own server with the server's certificate.
 */
const CERTIFICATE_USES: Record<CertificateName, string> = {
  agent: 'serverAuth, clientAuth',
  etcd: 'serverAuth, clientAuth',
  postgres: 'serverAuth',
  redis: 'serverAuth',
  prometheus: 'clientAuth',
  operator: 'clientAuth',
};

function certificateRequest(name: CertificateName, options: HostIdentityOptions): CertificateRequest {
  const { host } = options;
  const common = ['basicConstraints = critical, CA:false', 'keyUsage = critical, digitalSignature', 'authorityKeyIdentifier = keyid'];
  const addresses = [...addressesOf(options, name), '127.0.0.1'].map((address) => `IP:${address}`);
  const names = name === 'operator' ? [] : [`subjectAltName = ${addresses.join(', ')}, DNS:${host}`];
  const uses = [`extendedKeyUsage = ${CERTIFICATE_USES[name]}`, ...names];
  return { subject: `/O=nines/OU=${name}/CN=${host}`, extensions: [...common, ...uses], days: CERTIFICATE_DAYS };
}
