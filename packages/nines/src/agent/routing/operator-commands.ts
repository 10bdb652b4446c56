/** What an operator may ask of a group's failover, by `POST /v1/postgres/GROUP/ACTION`: read, checked, handed on. */
import type { IncomingMessage } from 'node:http';
import type { CommandAnswer, Failover, FailoverAction } from '../failover/groups.ts';

const MAX_BODY_BYTES = 4_096;

const PATH = /^\/v1\/postgres\/([a-z][a-z0-9-]{0,30})\/(switchover|failover|pause|resume|reinit)$/;

export function commandOf(path: string): { group: string; action: FailoverAction } | null {
  const [, group, action] = PATH.exec(path) ?? [];
  return group === undefined || action === undefined ? null : { group, action: action as FailoverAction };
}

/** What is wrong with the body of a command; null: nothing. Unknown words are wrong: half-understood is not what was asked. Pure. */
export function bodyProblem(action: FailoverAction, body: unknown): string | null {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return 'the body has to be a JSON object';
  const known: Record<FailoverAction, string[]> = {
    switchover: ['to'],
    failover: ['to', 'allowDataLoss'],
    pause: [],
    resume: [],
    reinit: [],
  };
  const stranger = Object.keys(body).find((name) => !known[action].includes(name));
  if (stranger !== undefined) return `'${stranger}': ${action} does not know it`;
  const { to = null, allowDataLoss } = body as { to?: unknown; allowDataLoss?: unknown };
  if (to !== null && (typeof to !== 'string' || !/^[a-z0-9][a-z0-9-]{0,62}$/.test(to))) return "'to': the name of a host";
  if (action !== 'failover') return null;
  if (to === null) return "'to': the name of the host that shall lead";
  return allowDataLoss === true ? null : "'allowDataLoss': has to be true: acknowledged writes may be lost";
}

/** Never rejects: what cannot be read is an answer too. */
export async function handleCommand(
  failover: Pick<Failover, 'command'>,
  { group, action }: { group: string; action: FailoverAction },
  request: IncomingMessage,
): Promise<{ status: 200 | 400 | 409; body: CommandAnswer }> {
  const refused = (status: 400 | 409, reason: string) => ({ status, body: { accepted: false, reason } });
  let body: unknown;
  try {
    const text = await bodyText(request);
    body = text === '' ? {} : JSON.parse(text);
  } catch (error) {
    return refused(400, `the body cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  const problem = bodyProblem(action, body);
  if (problem !== null) return refused(400, problem);
  const answer = await failover.command(group, action, body);
  return { status: answer.accepted ? 200 : 409, body: answer };
}

async function bodyText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    // Read on, and forget it: leaving now would close the connection, and the caller would not learn why.
    if (size <= MAX_BODY_BYTES) chunks.push(chunk as Buffer);
  }
  if (size > MAX_BODY_BYTES) throw new Error(`it has more than ${MAX_BODY_BYTES} bytes`);
  return Buffer.concat(chunks).toString('utf8');
}
