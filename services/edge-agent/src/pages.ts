import type { ServerResponse } from 'node:http';
import type { EdgeAgent } from './agent.ts';

const LOOK_MS = 200;

/**
 * `/drain`, for whoever runs the edge as a Pod: takes no new calls any more, and answers when Kamailio has no transaction
 * open. Calls that are up go on without this edge's memory: the next one routes what is inside them.
 */
export function edgePage(agent: Pick<EdgeAgent, 'drain' | 'drained'>, path: string, response: ServerResponse): boolean {
  if (path !== '/drain') return false;
  agent.drain();
  let timer: NodeJS.Timeout | undefined;
  response.on('close', () => clearTimeout(timer));
  const look = (): void => {
    if (agent.drained) response.writeHead(200, { 'content-type': 'text/plain' }).end('ok\n');
    else timer = setTimeout(look, LOOK_MS);
  };
  look();
  return true;
}
