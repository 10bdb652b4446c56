/** What the routes work with. */
import type { Catalogue } from './catalogue.ts';
import type { Database, Lifecycle } from '@nines/runtime';
import type { Metrics } from './metrics.ts';
import type { Sessions } from './sessions/sessions.ts';

export interface Services {
  catalogue: Catalogue;
  database: Database;
  sessions: Sessions;
  lifecycle: Lifecycle;
  metrics: Metrics;
  instance: { name: string; zone: string };
}
