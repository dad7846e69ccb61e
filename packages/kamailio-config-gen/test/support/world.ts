import type { EdgeModel, EdgeState, Trunk } from '@ringback/kamailio-config-gen';
import { Kamailio } from './kamailio.ts';
import { Peer } from './peer.ts';
import { reply, request, token } from './sip.ts';

export const ACCESS = '+48223000000';

/** An edge with a trusted and an untrusted carrier and two switches, each on an address of its own. */
export interface World {
  readonly edge: Kamailio;
  readonly carrier: Peer;
  readonly stranger: Peer;
  readonly untrusted: Peer;
  readonly switches: readonly [Peer, Peer];
  readonly state: EdgeState;
  close(): Promise<void>;
}

export interface WorldOptions {
  /** Second octet pair of the world's network 127.<n>.0.0/16, so that worlds can stand side by side. */
  readonly net: number;
  readonly model?: Partial<EdgeModel>;
  readonly carrier?: Partial<Trunk>;
  readonly state?: (state: EdgeState) => EdgeState;
}

export async function makeWorld(o: WorldOptions): Promise<World> {
  const at = (last: string): string => `127.${o.net}.${last}`;
  const [carrier, untrusted, stranger, one, two] = await Promise.all([
    Peer.open(at('1.1')),
    Peer.open(at('2.1')),
    Peer.open(at('9.9')),
    Peer.open(at('3.1')),
    Peer.open(at('3.2')),
  ]);
  // Probes are answered as a switch does.
  for (const peer of [one, two]) {
    peer.automatic = (m) => (m.method === 'OPTIONS' ? reply(m, 200, 'OK') : undefined);
  }
  const base: EdgeState = {
    admit: true,
    trunks: [
      {
        id: 'carrier',
        sources: [at('1.0/24')],
        gateways: [carrier.address],
        trusted: true,
        country: 'PL',
        identity: 'pai',
        callsPerSecond: { inbound: 0, outbound: 0 },
        diversion: 'mark',
        ...o.carrier,
      },
      {
        id: 'untrusted',
        sources: [at('2.1')],
        gateways: [],
        trusted: false,
        country: 'GB',
        identity: 'pai',
        callsPerSecond: { inbound: 0, outbound: 0 },
        diversion: 'mark',
      },
    ],
    accessNumbers: [
      { number: ACCESS, mode: 'callback', ringTimeMs: 12_500, rejectWith: 486 },
      { number: '+442079460001', mode: 'direct', ringTimeMs: 5000, rejectWith: 603 },
      { number: '+48223000480', mode: 'callback', ringTimeMs: 5000, rejectWith: 480 },
    ],
    switches: [
      { id: 'sw1', address: one.address, state: 'active' },
      { id: 'sw2', address: two.address, state: 'active' },
    ],
  };
  const state = o.state === undefined ? base : o.state(base);
  const peers = [carrier, untrusted, stranger, one, two];
  try {
    const edge = await Kamailio.start(at('0.1'), state, o.model);
    return {
      edge,
      carrier,
      stranger,
      untrusted,
      switches: [one, two],
      state,
      close: async () => {
        await edge.stop();
        for (const peer of peers) peer.close();
      },
    };
  } catch (cause) {
    for (const peer of peers) peer.close();
    throw cause;
  }
}

/** Sends an INVITE for an access number; gives its text and Call-ID. */
export function invite(
  world: World,
  from: Peer,
  options: Partial<Parameters<typeof request>[0]> & { readonly user?: string } = {},
): { readonly text: string; readonly callId: string } {
  const callId = options.callId ?? token();
  const uri = options.uri ?? `sip:${options.user ?? ACCESS}@${world.edge.host}:${world.edge.port}`;
  const text = request({ ...options, uri, from: from.address, callId });
  from.send(text, world.edge);
  return { text, callId };
}

/** Waits until one of the switches got the request; says which. */
export async function atSwitch(world: World, method: string, callId: string, withinMs = 3000) {
  const wanted = (m: { method: string; header(n: string): string }): boolean =>
    m.method === method && m.header('Call-ID') === callId;
  const others = new AbortController();
  const waiting = world.switches.map(async (peer) => ({
    peer,
    message: await peer.receive(wanted, `${method} ${callId}`, withinMs, others.signal),
  }));
  const first = await Promise.any(waiting);
  others.abort();
  return first;
}
