/** What the routes work with. */
import type { Catalogue } from './catalogue.ts';
import type { Database } from './database/database.ts';
import type { DependencyChecks, Life } from './health.ts';
import type { InFlight } from './in-flight.ts';
import type { Metrics } from './metrics.ts';
import type { Sessions } from './sessions/sessions.ts';

export interface Services {
  catalogue: Catalogue;
  database: Database;
  sessions: Sessions;
  checks: DependencyChecks;
  life: Life;
  inFlight: InFlight;
  metrics: Metrics;
  instance: { name: string; zone: string };
  requestDeadlineMs: number;
}
