/** A client on the network of the gateways: a new connection every 20 ms, whatever became of the last. argv: url. */
import { get } from 'node:http';
import { startStillClock } from '../gateway/still-clock.ts';

const url = process.argv[2] ?? '';
const clock = startStillClock();
const probe = () => {
  const sentAt = Date.now();
  const report = (host: string | null) => process.send?.({ sentAt, doneAt: Date.now(), stillMs: Math.round(clock.stillMs()), host });
  const request = get(url, { agent: false, timeout: 500 }, (response) => {
    let text = '';
    response.on('data', (chunk: Buffer) => (text += chunk.toString()));
    response.on('end', () => report((JSON.parse(text) as { host: string }).host));
  });
  request.on('timeout', () => request.destroy());
  request.on('error', () => report(null));
};
const timer = setInterval(probe, 20);
process.on('disconnect', () => {
  clearInterval(timer);
  process.exit(0);
});
