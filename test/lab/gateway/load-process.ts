/** `startLoad` in a process of its own, for another network namespace. argv: origin workers deadlineMs; any message stops it. */
import { startLoad } from './load.ts';

const [origin = '', workers, deadlineMs] = process.argv.slice(2);
const load = startLoad(origin, { workers: Number(workers), deadlineMs: Number(deadlineMs) });
process.once('message', () => void load.stop().then((result) => process.send?.(result)));
process.on('disconnect', () => process.exit(0));
