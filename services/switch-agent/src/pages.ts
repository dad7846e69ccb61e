import type { ServerResponse } from 'node:http';

/** What the pages need to know of the agent. */
export interface Condition {
  /** Why the agent is not ready, or undefined. */
  notReady(): string | undefined;
  draining(): boolean;
  legs(): number;
  maxLegs: number;
  /** Events that PostgreSQL has not confirmed: their journal must not go. */
  unconfirmed(): number;
  /** Takes no new sessions from now on. */
  drain(): Promise<void>;
}

const LOOK_MS = 200;

function say(response: ServerResponse, reason: string | undefined): void {
  response.writeHead(reason === undefined ? 200 : 503, { 'content-type': 'text/plain' }).end(`${reason ?? 'ok'}\n`);
}

/**
 * Pages for whoever runs the switch as a Pod: `/serving` says whether new calls may be sent to it, `/drain` begins a drain
 * and answers when the last leg is over and everything told of it is in PostgreSQL. Both are harmless to call again.
 */
export function agentPage(agent: Condition, path: string, response: ServerResponse): boolean {
  if (path === '/serving') {
    const full = agent.legs() >= agent.maxLegs ? 'full' : undefined;
    say(response, agent.notReady() ?? (agent.draining() ? 'draining' : full));
    return true;
  }
  if (path !== '/drain') return false;
  let timer: NodeJS.Timeout | undefined;
  response.on('close', () => clearTimeout(timer));
  const look = (): void => {
    if (agent.legs() === 0 && agent.unconfirmed() === 0) return say(response, undefined);
    timer = setTimeout(look, LOOK_MS);
  };
  agent.drain().then(look, (error: Error) => say(response, error.message));
  return true;
}
