import { get } from 'node:http';
import { connect } from 'node:net';

const PROBE_MS = 2_000;

/** Throws unless `http://<address>/readyz` answers 200. */
export function httpReady(address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = get(`http://${address}/readyz`, { timeout: PROBE_MS }, (response) => {
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

/** Throws unless somebody listens there. */
export function tcpReady(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: PROBE_MS }, () => {
      socket.destroy();
      resolve();
    });
    socket.on('timeout', () => socket.destroy(new Error('no answer')));
    socket.on('error', reject);
  });
}
