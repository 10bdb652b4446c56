import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import { NinesError } from '../errors/errors.ts';

/**
 * Certificates come from the openssl program (3.x, on every Debian): hand-made ASN.1 is how certificates go wrong.
 * Keys travel only as files; argv has their paths.
 */
const OPENSSL = '/usr/bin/openssl';

/** One call takes 10 ms; a machine that needs longer than this is stuck. */
const OPENSSL_TIMEOUT_MS = 20_000;

export async function openssl(args: string[], signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    execFile(OPENSSL, args, { signal, timeout: OPENSSL_TIMEOUT_MS }, (error, _stdout, stderr) => {
      if (error === null) return resolve();
      if (signal.aborted) return reject(signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason)));
      if (error.code === 'ENOENT') return reject(new NinesError('E_ENGINE_MISSING', `${OPENSSL} is not installed`));
      const lastLines = stderr.trim().split('\n').slice(-2).join('; ');
      reject(
        new NinesError('E_IDENTITY', `openssl ${args[0]} failed: ${lastLines}`, { hint: 'Run openssl version: 3.0 or newer is needed.' }),
      );
    });
  });
}

/** The wishes for one certificate, in openssl's words. */
export interface CertificateRequest {
  subject: string;
  extensions: string[];
  days: number;
}

/**
 * A configuration of our own, because the machine's openssl.cnf adds `CA:true` to everything that `req -x509` makes.
 * The file goes beside the temporary output and holds no secret.
 */
async function requestArguments(folder: string, request: CertificateRequest): Promise<string[]> {
  const configFile = join(folder, 'request.cnf');
  const lines = ['[req]', 'distinguished_name = none', 'x509_extensions = extensions', 'string_mask = utf8only', '[none]', '[extensions]'];
  await writeFile(configFile, [...lines, ...request.extensions, ''].join('\n'), { mode: 0o600 });
  return ['req', '-x509', '-config', configFile, '-subj', request.subject, '-days', String(request.days), '-sha256', '-batch'];
}

/** A self-signed certificate over a key that exists. */
export async function selfSign(
  folder: string,
  keyFile: string,
  certFile: string,
  request: CertificateRequest,
  signal: AbortSignal,
): Promise<void> {
  await openssl([...(await requestArguments(folder, request)), '-key', keyFile, '-out', certFile], signal);
}

/** A new P-256 key and its certificate by the authority, in one call. */
export async function issue(
  folder: string,
  authority: { certFile: string; keyFile: string },
  request: CertificateRequest,
  signal: AbortSignal,
): Promise<{ certFile: string; keyFile: string }> {
  const made = { certFile: join(folder, 'new.pem'), keyFile: join(folder, 'new.key') };
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-keyout', made.keyFile];
  const by = ['-CA', authority.certFile, '-CAkey', authority.keyFile];
  await openssl([...(await requestArguments(folder, request)), ...by, ...newKey, '-out', made.certFile], signal);
  return made;
}

export async function makeKey(keyFile: string, signal: AbortSignal): Promise<void> {
  await openssl(['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', keyFile], signal);
}
