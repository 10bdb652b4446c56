import { section, withDefault } from './facts.ts';
import { duration, flag, percentage, port } from './kinds.ts';

export const observe = section('ObserveWords', 'Prometheus and Alertmanager, on the least loaded host.', {
  prometheus: withDefault(flag(), true, { what: 'Run Prometheus.' }),
  alertmanager: withDefault(flag(), true, { what: 'Run Alertmanager beside it.' }),
  prometheusPort: withDefault(port(), 9090, { what: 'Port of Prometheus.' }),
  alertmanagerPort: withDefault(port(), 9093, { what: 'Port of Alertmanager.' }),
  retention: withDefault(duration('10m', '365d'), '2h', {
    what: 'How long figures are kept.',
    tradeoff: 'Longer costs disk: about 2 bytes per figure and scrape.',
  }),
  scrapeInterval: withDefault(duration('1s', '5m'), '5s', {
    what: 'Time between two readings of every target.',
    tradeoff: 'Shorter shows short outages; it costs CPU and disk in proportion.',
  }),
});

export const objectives = section('ObjectivesWords', 'What the system promises its clients; reports are measured against it.', {
  availability: withDefault(percentage(50, 99.9999), 99.99, {
    what: 'Per cent of requests answered well within their deadline.',
  }),
  readDeadline: withDefault(duration('100ms', '10m'), '2s', { what: 'A read that takes longer has failed.' }),
  writeDeadline: withDefault(duration('100ms', '10m'), '3s', { what: 'A write that takes longer has failed.' }),
});
