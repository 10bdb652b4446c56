import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KERNEL_FEATURES, type KernelFact, type KernelFeature, type MachineFacts } from './facts.ts';
import { installLine, machineReport } from './report.ts';
import { TOOLS } from './tools.ts';

function completeMachine(): MachineFacts {
  const kernel = KERNEL_FEATURES.map((feature): [KernelFeature, KernelFact] => [feature, { state: 'ok', detail: 'yes' }]);
  return {
    platform: 'linux',
    system: 'Debian GNU/Linux 12 (bookworm)',
    systemFamily: ['debian'],
    uid: 0,
    nodeVersion: '24.21.0',
    tools: Object.fromEntries(TOOLS.map((tool) => [tool.name, { missingFiles: [], version: `${tool.minimum}.9` }])),
    users: ['root', 'etcd', 'postgres', 'redis', 'haproxy', 'prometheus'],
    kernel: Object.fromEntries(kernel) as Record<KernelFeature, KernelFact>,
    strayPostgres: null,
  };
}

describe('machineReport', () => {
  it('is ready on a complete machine, with nothing to install or to say', () => {
    const report = machineReport(completeMachine(), TOOLS);
    expect(report).toMatchObject({ ready: true, packages: [], install: null, notes: [] });
    expect(report.checks.filter((check) => check.state !== 'ok')).toEqual([]);
  });

  it('names the file that a partial installation lacks, and the package', () => {
    const facts = completeMachine();
    facts.tools['postgres'] = { missingFiles: ['/usr/lib/postgresql/15/bin/pg_rewind'], version: null };
    facts.strayPostgres = '/usr/local/bin/postgres';
    const report = machineReport(facts, TOOLS);
    expect(report.ready).toBe(false);
    expect(report.checks).toContainEqual({
      kind: 'engine',
      name: 'postgres',
      wanted: '>= 15.13',
      found: 'no /usr/lib/postgresql/15/bin/pg_rewind',
      state: 'missing',
    });
    expect(report.install).toBe('apt-get update && apt-get install -y --no-install-recommends postgresql-15');
    expect(report.notes.join(' ')).toContain('/usr/local/bin/postgres is the first postgres on PATH');
  });

  it('calls a version below the minimum old, and asks for its package', () => {
    const facts = completeMachine();
    facts.tools['postgres'] = { missingFiles: [], version: '15.9' };
    const report = machineReport(facts, TOOLS);
    expect(report.checks.find((check) => check.name === 'postgres' && check.kind === 'engine')?.state).toBe('old');
    expect(report.packages).toEqual(['postgresql-15']);
  });

  it('asks for the package of an account that is missing', () => {
    const facts = completeMachine();
    facts.users = facts.users.filter((user) => user !== 'haproxy');
    expect(machineReport(facts, TOOLS).packages).toEqual(['haproxy']);
  });

  it('says sudo to a person who is not root, and that the kernel is not known', () => {
    const facts = completeMachine();
    facts.uid = 1000;
    facts.kernel['tap devices'] = { state: 'unknown', detail: 'only root can try it' };
    facts.tools['haproxy'] = { missingFiles: ['/usr/sbin/haproxy'], version: null };
    const report = machineReport(facts, TOOLS);
    expect(report.ready).toBe(false);
    expect(report.install).toBe('sudo apt-get update && sudo apt-get install -y --no-install-recommends haproxy');
    expect(report.notes.join(' ')).toContain('run nines as root');
  });

  it('says that the lab cannot run on a kernel without the features', () => {
    const facts = completeMachine();
    facts.kernel['network namespaces'] = { state: 'missing', detail: 'Operation not permitted' };
    const report = machineReport(facts, TOOLS);
    expect(report.ready).toBe(false);
    expect(report.install).toBeNull();
    expect(report.notes.join(' ')).toContain('network namespaces. The lab cannot run here.');
  });

  it('refuses an old Node', () => {
    const facts = { ...completeMachine(), nodeVersion: '20.20.2' };
    expect(machineReport(facts, TOOLS).checks.find((check) => check.name === 'node')?.state).toBe('old');
  });

  it('asks for exactly the packages of what is missing, each once', () => {
    fc.assert(
      fc.property(fc.subarray([...TOOLS]), (absent) => {
        const facts = completeMachine();
        for (const tool of absent) facts.tools[tool.name] = { missingFiles: tool.files, version: null };
        const report = machineReport(facts, TOOLS);
        expect(report.packages).toEqual([...new Set(absent.map((tool) => tool.package))]);
        expect(report.ready).toBe(absent.length === 0);
        expect(report.install).toBe(installLine(report.packages, true));
      }),
    );
  });
});
