/** The agents' questions about PostgreSQL's leadership, with the operator's certificate. */
import { readFile } from 'node:fs/promises';
import { Agent as TlsAgent, request } from 'node:https';
import { certificatePaths } from '../../../packages/nines/src/identity/identity.ts';
import { labPaths } from '../../../packages/nines/src/operations/cluster.ts';
import { AGENT_PORT } from '../../../packages/nines/src/topology/ports.ts';
import type { GroupView } from '../../../packages/nines/src/failover/group-view.ts';
import type { Milestone } from './milestones.ts';

const ANSWER_TIMEOUT_MS = 1_500;

export interface Agents {
  /** @throws when the agent does not answer */
  view(address: string, group: string, signal: AbortSignal): Promise<GroupView>;
  decisions(address: string, group: string, sinceMs: number, signal: AbortSignal): Promise<Milestone[]>;
  /** @throws with the agent's reason when it does not accept */
  switchover(address: string, group: string, to: string | null, signal: AbortSignal): Promise<void>;
  close(): void;
}

export async function agentsOf(lab: { dir: string }): Promise<Agents> {
  const files = certificatePaths(labPaths(lab).operatorDir, 'operator');
  const [ca, cert, key] = await Promise.all([files.caFile, files.certFile, files.keyFile].map((file) => readFile(file)));
  const connections = new TlsAgent({ ca: ca ?? '', cert: cert ?? '', key: key ?? '', keepAlive: true, minVersion: 'TLSv1.3' });
  const ask = async (address: string, path: string, signal: AbortSignal, body?: unknown): Promise<string> => {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]);
    return await answerOf({ address, path, connections, deadline, body });
  };
  return {
    view: async (address, group, signal) => JSON.parse(await ask(address, `/v1/postgres/${group}/view`, signal)) as GroupView,
    decisions: async (address, group, sinceMs, signal) =>
      (await ask(address, `/v1/postgres/${group}/decisions?since=${Math.floor(sinceMs)}`, signal))
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Milestone),
    switchover: async (address, group, to, signal) => {
      const answer = JSON.parse(await ask(address, `/v1/postgres/${group}/switchover`, signal, { to })) as {
        accepted: boolean;
        reason: string;
      };
      if (!answer.accepted) throw new Error(`the switchover was not accepted: ${answer.reason}`);
    },
    close: () => connections.destroy(),
  };
}

interface Question {
  address: string;
  path: string;
  connections: TlsAgent;
  deadline: AbortSignal;
  /** POST when there is one. */
  body: unknown;
}

async function answerOf({ address, path, connections, deadline, body }: Question): Promise<string> {
  const sent = body === undefined ? null : JSON.stringify(body);
  return await new Promise((resolve, reject) => {
    const asked = request(
      {
        ...{ host: address, port: AGENT_PORT, path, agent: connections, signal: deadline },
        ...(sent === null ? {} : { method: 'POST', headers: { 'content-type': 'application/json', 'content-length': sent.length } }),
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part;
        });
        response.once('error', reject);
        response.once('end', () => {
          const isAnswer = response.statusCode === 200 || response.statusCode === 409;
          if (isAnswer) resolve(text);
          else reject(new Error(`the agent answered ${response.statusCode}: ${text.slice(0, 200)}`));
        });
      },
    );
    asked.once('error', reject);
    asked.end(sent ?? undefined);
  });
}
