/** Makes the lab 'crash' in the folder given, boots it, and says how far it is; the test kills this process on the way. */
import { bootHost, createLab } from '../../packages/nines/src/lab/index.ts';
import { BOOT, HOSTS } from './lab-fixture.ts';

const signal = AbortSignal.timeout(20_000);
const log = () => undefined;
process.stdout.write('started\n');
const lab = await createLab({ name: 'crash', labsDir: process.argv[2] ?? '', hosts: HOSTS, diskBytes: 2 ** 28, signal, log });
process.stdout.write('created\n');
for (const host of Object.keys(lab.hosts)) {
  await bootHost(lab, host, { ...BOOT, signal });
  process.stdout.write(`${host} is on\n`);
}
