import { get } from 'node:http';
import { connect, type NetConnectOpts } from 'node:net';

const PROBE_MS = 2_000;

/** Throws unless `http://<address>/readyz` answers 200. */
export function httpReady(address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = get(`http://${address}/readyz`, { timeout: PROBE_MS, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => (response.statusCode === 200 ? resolve() : reject(new Error(body.trim()))));
    });
    request.on('timeout', () => request.destroy(new Error('no answer')));
    request.on('error', reject);
  });
}

/** Talks to a socket until `heard` says the talk is over; `heard` gets all that came so far. */
function talk(to: NetConnectOpts, first: string, heard: (text: string) => string | Error | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect({ ...to, timeout: PROBE_MS }, () => {
      if (first !== '') socket.write(first);
      else if (heard('') === 'done') finish();
    });
    const finish = (): void => {
      socket.destroy();
      resolve();
    };
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      const answer = heard(text);
      if (answer === 'done') return finish();
      if (answer instanceof Error) socket.destroy(answer);
      else if (answer !== undefined) socket.write(answer);
    });
    socket.on('timeout', () => socket.destroy(new Error('no answer')));
    socket.on('close', () => reject(new Error('the connection ended')));
    socket.on('error', reject);
  });
}

/** Throws unless somebody takes connections on this unix socket: its file may be left from an earlier process. */
export const unixReady = (path: string): Promise<void> => talk({ path }, '', () => 'done');

/** Throws unless the event socket lets us in and the switch answers. */
export function eslReady(host: string, port: number, password: string): Promise<void> {
  let asked = '';
  const say = (line: string): string | undefined => {
    if (asked === line) return undefined;
    asked = line;
    return `${line}\n\n`;
  };
  return talk({ host, port }, '', (text) => {
    if (/^Content-Type: api\/response$/m.test(text)) return 'done';
    if (text.includes('-ERR invalid')) return new Error('the event socket refuses the password');
    if (text.includes('+OK accepted')) return say('api status');
    if (text.includes('auth/request')) return say(`auth ${password}`);
    return undefined;
  });
}
