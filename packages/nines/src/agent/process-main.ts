/** Entry of the agent's process; `main.ts` has the work, so that importing it starts nothing. */
import { readArguments, runAgent } from './main.ts';

await runAgent(readArguments(process.argv.slice(2)));
