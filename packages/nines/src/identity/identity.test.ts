import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createClusterIdentity, readSecrets } from './cluster-identity.ts';
import { issueHostIdentity, issueOperatorIdentity } from './host-identity.ts';
import { HOST_CERTIFICATES, CERTIFICATE_USERS, certificatePaths } from './identity.ts';
import { installIdentity } from './install-identity.ts';
import { exampleTopology } from './testing/example-topology.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'nines-identity-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const at = (...parts: string[]) => join(root, ...parts);
const cluster = (topology = exampleTopology({ postgres: { main: 3 } }), dir = at('cluster')) =>
  createClusterIdentity({ dir, topology, signal: AbortSignal.timeout(15_000) });
const host = (name: string, address: string, clusterDir = at('cluster'), outDir = at(name)) =>
  issueHostIdentity({ clusterDir, outDir, host: name, address, signal: AbortSignal.timeout(15_000) });
const certificate = async (dir: string, name: string) => new X509Certificate(await readFile(join(dir, `${name}.pem`)));
const mode = async (path: string) => (await stat(path)).mode & 0o777;
const ownIds = () => ({ uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 });

async function contents(dir: string): Promise<Record<string, string>> {
  const names = (await readdir(dir)).sort();
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await readFile(join(dir, name), 'utf8')])));
}

describe('identity of a cluster', () => {
  test('is made once, private, and kept', async () => {
    await cluster();
    const first = await contents(at('cluster'));
    expect(Object.keys(first)).toEqual(['ca.key', 'ca.pem', 'secrets.json']);
    expect(await mode(at('cluster'))).toBe(0o700);
    expect(await mode(at('cluster', 'ca.key'))).toBe(0o600);
    expect(await mode(at('cluster', 'secrets.json'))).toBe(0o600);
    expect((await certificate(at('cluster'), 'ca')).ca).toBe(true);
    await cluster();
    expect(await contents(at('cluster'))).toEqual(first);
  });

  test('a changed topology adds secrets and keeps the others', async () => {
    await cluster();
    const before = await readSecrets(at('cluster'));
    await cluster(exampleTopology({ postgres: { other: 3 }, services: { orders: ['KEY'] } }));
    const after = await readSecrets(at('cluster'));
    expect(after).toMatchObject(before);
    expect(Buffer.from(after.services['orders/KEY'] ?? '', 'base64url')).toHaveLength(32);
  });

  test('an interrupted start is finished with the key that exists; half a loss is refused', async () => {
    await cluster();
    const key = await readFile(at('cluster', 'ca.key'), 'utf8');
    await unlink(at('cluster', 'ca.pem'));
    await cluster();
    expect(await readFile(at('cluster', 'ca.key'), 'utf8')).toBe(key);
    await unlink(at('cluster', 'ca.key'));
    await expect(cluster()).rejects.toMatchObject({ code: 'E_IDENTITY' });
  });

  test('damaged secrets are refused without showing them', async () => {
    await cluster();
    await writeFile(at('cluster', 'secrets.json'), '{"postgres":{"main/app":"hunter2"');
    const failure = await cluster().catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'E_IDENTITY' });
    expect(String(failure)).not.toContain('hunter2');
  });
});

describe('identity of a host', () => {
  test('certificates name the host, its address and their use', async () => {
    await cluster();
    await host('west-a-1', '127.0.21.1');
    const authority = await certificate(at('cluster'), 'ca');
    for (const name of HOST_CERTIFICATES) {
      const made = await certificate(at('west-a-1'), name);
      expect(made.verify(authority.publicKey)).toBe(true);
      expect(made.subject.split('\n')).toEqual(['O=nines', `OU=${name}`, 'CN=west-a-1']);
      expect(made.ca).toBe(false);
      expect(made.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
      const [server, client] = ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'];
      const uses: Record<string, string[]> = {
        agent: [server, client],
        etcd: [server, client],
        postgres: [server],
        redis: [server],
        prometheus: [client],
      };
      expect(made.keyUsage).toEqual(uses[name]);
      expect(await mode(certificatePaths(at('west-a-1'), name).keyFile)).toBe(0o600);
      expect(made.checkIP('127.0.21.1')).toBe('127.0.21.1');
      expect(made.checkIP('127.0.0.1')).toBe('127.0.0.1');
      expect(made.checkIP('127.0.21.2')).toBeUndefined();
      expect(made.checkHost('west-a-1')).toBe('west-a-1');
    }
    expect(await readSecrets(at('west-a-1'))).toEqual(await readSecrets(at('cluster')));
  });

  test('no host gets the key that commands the others', async () => {
    await cluster();
    await host('a', '127.0.21.1');
    expect(Object.keys(await contents(at('a'))).filter((name) => name.startsWith('operator'))).toEqual([]);
    await issueOperatorIdentity({ clusterDir: at('cluster'), outDir: at('operator'), signal: AbortSignal.timeout(10_000) });
    const made = await certificate(at('operator'), 'operator');
    expect(made.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
    expect(made.subject).toContain('OU=operator');
  });

  test('what is sound is kept; what is not is issued again, and only that', async () => {
    await cluster();
    await host('a', '127.0.21.1');
    const first = await contents(at('a'));
    await host('a', '127.0.21.1');
    expect(await contents(at('a'))).toEqual(first);
    await writeFile(at('a', 'redis.pem'), first['redis.pem']?.slice(0, 100) ?? '');
    await writeFile(at('a', 'etcd.key'), first['agent.key'] ?? '');
    await host('a', '127.0.21.1');
    const second = await contents(at('a'));
    const changed = Object.keys(second).filter((name) => second[name] !== first[name]);
    expect(changed).toEqual(['etcd.key', 'etcd.pem', 'redis.key', 'redis.pem']);
    await host('a', '127.0.21.9');
    expect((await certificate(at('a'), 'etcd')).checkIP('127.0.21.9')).toBe('127.0.21.9');
  });

  test("PostgreSQL's certificate names the gateway's address too, and is issued anew when that moves", async () => {
    await cluster();
    const issued = (gatewayAddress: string | null) =>
      issueHostIdentity({
        clusterDir: at('cluster'),
        outDir: at('a'),
        host: 'a',
        address: '127.0.21.1',
        gatewayAddress,
        signal: AbortSignal.timeout(15_000),
      });
    await issued('127.0.21.100');
    const first = await certificate(at('a'), 'postgres');
    expect(first.checkIP('127.0.21.1')).toBe('127.0.21.1');
    expect(first.checkIP('127.0.21.100')).toBe('127.0.21.100');
    expect((await certificate(at('a'), 'redis')).checkIP('127.0.21.100')).toBeUndefined();
    await issued('127.0.21.100');
    expect((await certificate(at('a'), 'postgres')).fingerprint256).toBe(first.fingerprint256);
    await issued('127.0.21.101');
    expect((await certificate(at('a'), 'postgres')).checkIP('127.0.21.101')).toBe('127.0.21.101');
    await expect(issued('1.2.3.4, DNS:b')).rejects.toMatchObject({ code: 'E_CONFIG_INVALID' });
  });

  test('words that would be more than a name are refused', async () => {
    await cluster();
    for (const [name, address] of [
      ['a,DNS:b', '127.0.0.1'],
      ['a\nb', '127.0.0.1'],
      ['', '127.0.0.1'],
      ['a', '1.2.3'],
      ['a', '1.2.3.4, DNS:b'],
    ] as const) {
      await expect(host(name, address, at('cluster'), at('x'))).rejects.toMatchObject({ code: 'E_CONFIG_INVALID' });
    }
  });

  test('nothing half-made stays behind when it is cancelled', async () => {
    await cluster();
    const options = { clusterDir: at('cluster'), outDir: at('a'), host: 'a', address: '127.0.21.1' };
    await expect(issueHostIdentity({ ...options, signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow('stop');
    expect((await readdir(at('a'))).filter((name) => !['ca.pem', 'secrets.json'].includes(name))).toEqual([]);
  });
});

describe('installation on a host', () => {
  const install = (seed: string, ownerOf?: (user: string) => { uid: number; gid: number }) =>
    installIdentity({ seedDir: at(seed), identityDir: at('installed'), ...(ownerOf === undefined ? {} : { ownerOf }) });

  test.skipIf(process.getuid?.() !== 0)('gives each key to its user alone', async () => {
    await cluster();
    await host('a', '127.0.21.1');
    const users = new Map(Object.values(CERTIFICATE_USERS).map((user, index) => [user, { uid: 61_000 + index, gid: 62_000 + index }]));
    const ownerOf = (user: string) => users.get(user) ?? expect.unreachable(user);
    await install('a', ownerOf);
    expect(await mode(at('installed'))).toBe(0o711);
    for (const name of HOST_CERTIFICATES) {
      const { keyFile } = certificatePaths(at('installed'), name);
      const { uid, gid } = await stat(keyFile);
      expect({ uid, gid }).toEqual(ownerOf(CERTIFICATE_USERS[name]));
      expect(await mode(keyFile)).toBe(0o600);
    }
    expect(await mode(at('installed', 'secrets.json'))).toBe(0o600);
  });

  test('repeats without a change, follows a newer seed, does without the seed', async () => {
    await cluster();
    await host('a', '127.0.21.1');
    await install('a', ownIds);
    const first = await contents(at('installed'));
    expect(first).toEqual(await contents(at('a')));
    await cluster(exampleTopology({ postgres: { main: 3 }, redis: ['cache'] }));
    await host('a', '127.0.21.1');
    await install('a', ownIds);
    expect((await readSecrets(at('installed'))).redis['cache/app']).toBeDefined();
    await install('gone', ownIds);
    expect(await contents(at('installed'))).toEqual(await contents(at('a')));
  });

  test('refuses the seed of another cluster, and to start with nothing', async () => {
    await expect(install('gone', ownIds)).rejects.toMatchObject({ code: 'E_IDENTITY' });
    await cluster();
    await host('a', '127.0.21.1');
    await install('a', ownIds);
    const before = await contents(at('installed'));
    await cluster(exampleTopology(), at('other'));
    await host('b', '127.0.21.2', at('other'));
    await expect(install('b', ownIds)).rejects.toMatchObject({ code: 'E_IDENTITY' });
    expect(await contents(at('installed'))).toEqual(before);
  });
});
