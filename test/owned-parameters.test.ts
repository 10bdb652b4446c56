/** The topology refuses exactly those PostgreSQL settings that the engine would not let it have. */
import { describe, expect, it } from 'vitest';
import { postgresSettings, type SettingsInput } from '../packages/nines/src/engines/postgres/settings.ts';
import { ownedBecause } from '../packages/nines/src/topology/postgres-parameters.ts';

function inputWith(parameters: Record<string, string>): SettingsInput {
  const member = { role: 'standby', address: '10.0.0.1', port: 5432, replicaName: 'replica_0' };
  const settings = { replicas: 1, durability: 'quorum', port: 5432, database: 'app', parameters };
  const files = { caFile: '/ca', certFile: '/cert', keyFile: '/key' };
  return { group: { name: 'main', members: [member], settings }, member, layout: {}, certificate: files } as never;
}

describe('settings that Nines decides', () => {
  it.each(Object.keys(postgresSettings(inputWith({}))))('%s', (name) => {
    const given = postgresSettings(inputWith({ [name]: 'given' }))[name];
    expect(ownedBecause(name) === null).toBe(given === 'given');
  });
});
