import { X509Certificate } from 'node:crypto';
import { chmod, chown, mkdir, stat } from 'node:fs/promises';
import { NinesError } from '../errors/errors.ts';
import { allDone, readFileIfPresent, writeFileAtomic, type AtomicFileOptions } from './atomic-file.ts';
import { HOST_CERTIFICATES, CERTIFICATE_USERS, certificatePaths, secretsPath } from './identity.ts';
import { findUser, type UserIds } from './users.ts';

export interface InstallIdentityOptions {
  /** What `issueHostIdentity` made for this host; may be gone once it was installed. */
  seedDir: string;
  /** The host's own, durable: /var/lib/nines/identity. */
  identityDir: string;
  /** Which user reads a key; for tests. */
  ownerOf?: (user: string) => UserIds;
}

interface InstalledFile extends AtomicFileOptions {
  from: string;
  to: string;
}

/**
 * Install the host's identity at the start of its agent: each key owned by the one user that needs it, 0600, in a folder
 * that others may pass but not list. Idempotent; a newer seed of the same cluster replaces what is installed.
 * Rejects with E_IDENTITY when neither seed nor installed identity is complete, or when the seed is of another cluster
 * (this disk has that cluster's data), and with E_ENGINE_MISSING when a user does not exist.
 */
export async function installIdentity(options: InstallIdentityOptions): Promise<void> {
  const { seedDir, identityDir } = options;
  const files = filesToInstall(options);
  await mkdir(identityDir, { recursive: true, mode: 0o711 });
  await chmod(identityDir, 0o711);
  await refuseForeignSeed(seedDir, identityDir);
  await allDone(files.map(installFile));
}

function filesToInstall({ seedDir, identityDir, ownerOf = findUser }: InstallIdentityOptions): InstalledFile[] {
  const root = ownerOf('root');
  const ca = { from: certificatePaths(seedDir, 'agent').caFile, to: certificatePaths(identityDir, 'agent').caFile };
  const files: InstalledFile[] = [
    { from: secretsPath(seedDir), to: secretsPath(identityDir), mode: 0o600, owner: root },
    { ...ca, mode: 0o644, owner: root },
  ];
  for (const name of HOST_CERTIFICATES) {
    const [seed, installed] = [certificatePaths(seedDir, name), certificatePaths(identityDir, name)];
    const owner = ownerOf(CERTIFICATE_USERS[name]);
    files.push({ from: seed.keyFile, to: installed.keyFile, mode: 0o600, owner });
    files.push({ from: seed.certFile, to: installed.certFile, mode: 0o644, owner: root });
  }
  return files;
}

async function refuseForeignSeed(seedDir: string, identityDir: string): Promise<void> {
  const [seed, installed] = await Promise.all(
    [seedDir, identityDir].map((dir) => readFileIfPresent(certificatePaths(dir, 'agent').caFile)),
  );
  if (typeof seed !== 'string' || typeof installed !== 'string' || seed === installed) return;
  if (new X509Certificate(seed).fingerprint256 === new X509Certificate(installed).fingerprint256) return;
  throw new NinesError('E_IDENTITY', `${identityDir} belongs to another cluster than ${seedDir}`, {
    hint: 'This host has the data of another cluster: use a fresh data folder, or the identity of that cluster.',
  });
}

async function installFile(file: InstalledFile): Promise<void> {
  const [seed, installed] = await Promise.all([readFileIfPresent(file.from), readFileIfPresent(file.to)]);
  if (seed === null && installed === null)
    throw new NinesError('E_IDENTITY', `${file.to} is missing and ${file.from} is not there to install it from`);
  if (seed !== null && seed !== installed) return writeFileAtomic(file.to, seed, file);
  // The content is right; a restored backup may have lost owner and mode.
  const found = await stat(file.to);
  if (file.owner !== undefined && (found.uid !== file.owner.uid || found.gid !== file.owner.gid))
    await chown(file.to, file.owner.uid, file.owner.gid);
  if ((found.mode & 0o777) !== file.mode) await chmod(file.to, file.mode);
}
