import type { SwitchPoolSpec } from '@ringback/crds';

/** Ports of one switch. Ranges are inclusive. */
export interface SwitchPorts {
  readonly sip: number;
  readonly esl: number;
  readonly agent: number;
  readonly mediaFrom: number;
  readonly mediaTo: number;
}

export interface NodeView {
  readonly name: string;
  readonly internalIp?: string;
  readonly externalIp?: string;
  /** It takes Pods: ready, not cordoned, and its labels are those the pool wants. */
  readonly usable: boolean;
}

/** Ports that a switch somewhere on a node has. */
export interface Occupied {
  readonly node: string;
  readonly ports: SwitchPorts;
}

/** Between the SIP, event-socket and agent ports of two switches on a node. */
const STEP = 10;
/** RTP and RTCP of each call. */
const PORTS_A_CALL = 2;

/** The ports of the n-th switch on a node; undefined where the media range has no room for so many. */
export function portsOf(
  spec: Pick<SwitchPoolSpec, 'network' | 'callsPerSwitch'>,
  slot: number,
): SwitchPorts | undefined {
  const { sipPort, eslPort, agentPort, mediaPorts } = spec.network;
  const width = spec.callsPerSwitch * PORTS_A_CALL;
  const mediaFrom = mediaPorts.from + slot * width;
  const mediaTo = mediaFrom + width - 1;
  if (mediaTo > mediaPorts.to) return undefined;
  const [sip, esl, agent] = [sipPort + slot * STEP, eslPort + slot * STEP, agentPort + slot * STEP];
  return Math.max(sip, esl, agent) > 65_535 ? undefined : { sip, esl, agent, mediaFrom, mediaTo };
}

function disjoint(a: SwitchPorts, b: SwitchPorts): boolean {
  const single = (p: SwitchPorts): number[] => [p.sip, p.esl, p.agent];
  const inMedia = (port: number, p: SwitchPorts): boolean => port >= p.mediaFrom && port <= p.mediaTo;
  return (
    (a.mediaTo < b.mediaFrom || b.mediaTo < a.mediaFrom) &&
    single(a).every((port) => !single(b).includes(port) && !inMedia(port, b)) &&
    single(b).every((port) => !inMedia(port, a))
  );
}

/**
 * A node for a switch with the node's network, and its ports there: the node with the fewest switches, the first ports that
 * nobody has there. Undefined when no node has room.
 */
export function place(
  spec: Pick<SwitchPoolSpec, 'network' | 'callsPerSwitch'>,
  nodes: readonly NodeView[],
  occupied: readonly Occupied[],
): { readonly node: NodeView; readonly ports: SwitchPorts } | undefined {
  const taken = (name: string): SwitchPorts[] => occupied.filter((o) => o.node === name).map((o) => o.ports);
  const byLoad = nodes
    .filter((node) => node.usable)
    .sort((a, b) => taken(a.name).length - taken(b.name).length || (a.name < b.name ? -1 : 1));
  for (const node of byLoad) {
    const others = taken(node.name);
    for (let slot = 0; ; slot += 1) {
      const ports = portsOf(spec, slot);
      if (ports === undefined) break;
      if (others.every((other) => disjoint(ports, other))) return { node, ports };
    }
  }
  return undefined;
}
