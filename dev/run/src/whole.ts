import { dialer } from '@ringback/contracts';
import { call, grpcClient } from '@ringback/service-kit';
import type { Layout } from './layout.ts';

const LOOK_MS = 100;
const ASK_MS = 2_000;

type Dialers = Map<string, dialer.SwitchServiceClient>;

/** Which switch that dialer does not give calls to, or undefined. */
async function unheard(layout: Layout, name: string, client: dialer.SwitchServiceClient): Promise<string | undefined> {
  const known = (await call(client, client.listSwitches, {}, { deadlineMs: ASK_MS })).switches;
  const states = new Map(known.map(({ status, state }) => [status?.switchId, state]));
  for (const { id } of layout.switches) {
    const state = states.get(id) ?? 'not heard of';
    // Draining is an operator's wish, from an earlier run perhaps.
    if (state !== 'active' && state !== 'draining') return `${name} takes ${id} for ${state}`;
  }
  return undefined;
}

/** Why calls cannot be carried yet, or undefined: the dialers hear every switch, and the edge sends calls to them. */
async function missing(layout: Layout, dialers: Dialers): Promise<string | undefined> {
  const deaf = await Promise.all([...dialers].map(([name, client]) => unheard(layout, name, client)));
  const first = deaf.find((reason) => reason !== undefined);
  if (first !== undefined) return first;
  const metrics = await (await fetch(`http://${layout.http['edge-agent']}/metrics`)).text();
  const count = (state: string): number =>
    Number(new RegExp(`^ringback_edge_switches\\{[^}]*state="${state}"[^}]*\\} (\\d+)`, 'm').exec(metrics)?.[1] ?? 0);
  const atEdge = count('active') + count('disabled');
  return atEdge < layout.switches.length ? `the edge knows ${atEdge} switches` : undefined;
}

/** Resolves when calls can be carried. @throws Error that says what is missing after `withinMs`. */
export async function whenWhole(layout: Layout, withinMs: number): Promise<void> {
  const dialers: Dialers = new Map(
    layout.dialers.map((name) => [name, grpcClient(dialer.SwitchServiceClient, layout.grpc[name]!)]),
  );
  const until = performance.now() + withinMs;
  try {
    for (;;) {
      const reason = await missing(layout, dialers).catch((error: Error) => error.message);
      if (reason === undefined) return;
      if (performance.now() > until) throw new Error(`calls cannot be carried after ${withinMs / 1000} s: ${reason}`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  } finally {
    for (const client of dialers.values()) client.close();
  }
}
