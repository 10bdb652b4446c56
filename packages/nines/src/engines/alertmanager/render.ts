/**
 * alertmanager.yml. Pure. One receiver without an integration: alerts are seen in Alertmanager and through its API;
 * a warning stays quiet while a critical alert of the same host is open.
 */
export function renderAlertmanager(): string {
  const config = {
    route: {
      receiver: 'nines',
      group_by: ['alertname', 'service'],
      group_wait: '5s',
      group_interval: '30s',
      repeat_interval: '4h',
    },
    receivers: [{ name: 'nines' }],
    inhibit_rules: [
      {
        source_matchers: ['alertname = HostDown'],
        target_matchers: ['severity = warning'],
        equal: ['host'],
      },
    ],
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}
