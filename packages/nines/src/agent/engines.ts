/** Every engine by its name: the only place that knows them all. */
import type { Engine } from '../engines/engine.ts';
import { alertmanager } from '../engines/alertmanager/engine.ts';
import { etcd } from '../engines/etcd/engine.ts';
import { haproxy } from '../engines/haproxy/engine.ts';
import { keepalived } from '../engines/keepalived/engine.ts';
import { postgres } from '../engines/postgres/engine.ts';
import { prometheus } from '../engines/prometheus/engine.ts';
import { redis } from '../engines/redis/engine.ts';
import { sentinel } from '../engines/sentinel/engine.ts';
import { service } from '../engines/service/engine.ts';
import type { EngineName } from '../topology/cluster-spec.ts';

export const ENGINES: Record<EngineName, Engine> = {
  etcd,
  postgres,
  redis,
  sentinel,
  haproxy,
  keepalived,
  prometheus,
  alertmanager,
  service,
};
