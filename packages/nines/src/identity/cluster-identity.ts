import { randomBytes } from 'node:crypto';
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { NinesError } from '../errors/errors.ts';
import type { Topology } from '../topology/topology.ts';
import { inTemporaryFolder, moveInto, readFileIfPresent, writeFileAtomic } from './atomic-file.ts';
import { secretsPath, type ClusterSecrets } from './identity.ts';
import { makeKey, selfSign } from './openssl.ts';
import { completeSecrets, emptySecrets, parseSecrets } from './secrets.ts';

/** Ten years: nothing renews certificates yet, and one that runs out is an outage of every host at once. */
export const CERTIFICATE_DAYS = 3650;

export interface ClusterIdentityOptions {
  /** Kept by whoever runs `up`; made with mode 0700. */
  dir: string;
  topology: Topology;
  signal: AbortSignal;
}

export function authorityPaths(clusterDir: string): { certFile: string; keyFile: string } {
  return { certFile: join(clusterDir, 'ca.pem'), keyFile: join(clusterDir, 'ca.key') };
}

/**
 * Make the identity of a cluster: its certificate authority and its secrets. Never replaces what exists, adds what a
 * changed topology needs, and may be interrupted anywhere and called again.
 * Rejects with E_IDENTITY when a file is damaged or half of the authority is gone.
 */
export async function createClusterIdentity(options: ClusterIdentityOptions): Promise<void> {
  await mkdir(options.dir, { recursive: true, mode: 0o700 });
  await chmod(options.dir, 0o700);
  await createAuthority(options);
  await updateSecrets(options.dir, options.topology);
}

/** The key first: an interrupted call leaves a key without a certificate, which the next call signs. */
async function createAuthority({ dir, topology, signal }: ClusterIdentityOptions): Promise<void> {
  const { certFile, keyFile } = authorityPaths(dir);
  const [certificate, key] = await Promise.all([readFileIfPresent(certFile), readFileIfPresent(keyFile)]);
  if (certificate !== null && key === null) {
    throw new NinesError('E_IDENTITY', `${keyFile} is missing, so no certificate can be issued for this cluster`);
  }
  if (certificate !== null) return;
  await inTemporaryFolder(dir, 'authority', async (folder) => {
    if (key === null) {
      await makeKey(join(folder, 'ca.key'), signal);
      await moveInto(join(folder, 'ca.key'), keyFile, 0o600);
    }
    const extensions = [
      'basicConstraints = critical, CA:true, pathlen:0',
      'keyUsage = critical, keyCertSign, cRLSign',
      'subjectKeyIdentifier = hash',
    ];
    const request = { subject: `/O=nines/CN=${topology.name} authority`, extensions, days: CERTIFICATE_DAYS };
    await selfSign(folder, keyFile, join(folder, 'ca.pem'), request, signal);
    await moveInto(join(folder, 'ca.pem'), certFile, 0o644);
  });
}

async function updateSecrets(dir: string, topology: Topology): Promise<void> {
  const existing = await readFileIfPresent(secretsPath(dir));
  const secrets = completeSecrets(existing === null ? emptySecrets() : checkedSecrets(existing, dir), topology, newSecret);
  const content = `${JSON.stringify(secrets, null, 2)}\n`;
  if (content !== existing) await writeFileAtomic(secretsPath(dir), content, { mode: 0o600 });
}

/** The secrets in an identity folder. Rejects with E_IDENTITY when they are missing or damaged; the text never shows any. */
export async function readSecrets(dir: string): Promise<ClusterSecrets> {
  const text = await readFileIfPresent(secretsPath(dir));
  if (text === null) throw new NinesError('E_IDENTITY', `${secretsPath(dir)} is missing`);
  return checkedSecrets(text, dir);
}

function checkedSecrets(text: string, dir: string): ClusterSecrets {
  const secrets = parseSecrets(text);
  if (secrets === null) throw new NinesError('E_IDENTITY', `${secretsPath(dir)} is damaged: it is not the JSON that Nines wrote`);
  return secrets;
}

/** 256 bits; base64url needs no quoting in any engine's configuration. */
function newSecret(): string {
  return randomBytes(32).toString('base64url');
}
