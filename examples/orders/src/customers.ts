/** Customers are known by name alone: this is an example of availability, not of authentication. */
import type { Call, Database } from '@nines/runtime';

/** Resolves with the id; makes the customer when the name is new. */
export async function customerByName(database: Database, call: Call, name: string): Promise<number> {
  const [known] = await database.run<{ id: number }>(
    {
      name: 'customer-by-name',
      text: 'SELECT id FROM customers WHERE name = $1',
      values: [name],
    },
    call,
  );
  if (known !== undefined) return known.id;
  // An update that changes nothing, as DO NOTHING returns no row when another instance was faster.
  const [made] = await database.run<{ id: number }>(
    {
      name: 'make-customer',
      text: `INSERT INTO customers (name) VALUES ($1)
           ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id`,
      values: [name],
    },
    call,
  );
  if (made === undefined) throw new Error('INSERT ... RETURNING returned no row');
  return made.id;
}
