import { type dialer, sw } from '@ringback/contracts';
import {
  type AccessNumber,
  EdgeConfigError,
  type EdgeState,
  type Problem,
  type RejectStatus,
  type SwitchEntry,
  type Trunk,
  validateState,
} from '@ringback/kamailio-config-gen';

/** Numbers and trunks as an edge needs them, of one revision of the platform's configuration. */
export interface Routing {
  readonly revision: string;
  readonly accessNumbers: readonly AccessNumber[];
  readonly trunks: readonly Trunk[];
}

const NOTHING: EdgeState = { admit: false, trunks: [], accessNumbers: [], switches: [] };

/**
 * What of the platform's configuration this edge can use. An entry that makes no sense is left out and reported: it
 * must not keep the others from working.
 */
export function routingOf(snapshot: dialer.WatchEdgeConfigResponse): {
  readonly routing: Routing;
  readonly problems: readonly Problem[];
} {
  const problems: Problem[] = [];
  const accepted = (state: EdgeState, name: string): boolean => {
    try {
      validateState(state);
      return true;
    } catch (error) {
      if (!(error instanceof EdgeConfigError)) throw error;
      problems.push(...error.problems.map((p) => ({ knob: `${name}: ${p.knob}`, problem: p.problem })));
      return false;
    }
  };
  const accessNumbers: AccessNumber[] = [];
  const seen = new Set<string>();
  for (const [index, given] of snapshot.accessNumbers.entries()) {
    const name = `access_numbers[${index}]`;
    const access = accessNumberOf(given);
    if (seen.has(access.number)) problems.push({ knob: `${name}.number`, problem: 'stands there twice' });
    else if (accepted({ ...NOTHING, accessNumbers: [access] }, name)) accessNumbers.push(access);
    seen.add(access.number);
  }
  const trunks: Trunk[] = [];
  for (const [index, given] of snapshot.trunks.entries()) {
    const trunk = trunkOf(given);
    // With those before it: sources must not overlap.
    if (accepted({ ...NOTHING, trunks: [...trunks, trunk] }, `trunks[${index}]`)) trunks.push(trunk);
  }
  return { routing: { revision: String(snapshot.revision), accessNumbers, trunks }, problems };
}

function accessNumberOf(given: dialer.AccessNumber): AccessNumber {
  return {
    number: given.number,
    mode: given.mode as AccessNumber['mode'],
    ringTimeMs: given.ringTimeMs,
    rejectWith: given.rejectCode as RejectStatus,
  };
}

function trunkOf(given: dialer.Trunk): Trunk {
  return {
    id: given.id,
    sources: given.sources,
    gateways: given.gateway === '' ? [] : [given.gateway],
    trusted: given.trusted,
    country: given.country,
    identity: given.identity as Trunk['identity'],
    callsPerSecond: { inbound: given.callsPerSecond, outbound: given.callsPerSecond },
    disabled: given.disabled,
    diversion: 'mark',
  };
}

/** What is known of one switch, by its agent's word. */
export interface SwitchRecord {
  readonly id: string;
  /** host:port of SIP. */
  readonly address: string;
  readonly said: 'active' | 'draining' | 'disconnected';
  readonly sessions: number;
  /** When its agent last said something, ms of this process's clock. */
  readonly seenAt: number;
}

export interface Silence {
  /** Without a word for so long a switch is taken for inactive (Kamailio's probes may revive it), ms. */
  readonly silentAfterMs: number;
  /** Without a word for so long it is forgotten, ms: longer than any call. */
  readonly forgetAfterMs: number;
}

const SAID: Readonly<Partial<Record<sw.SwitchStatus_State, SwitchRecord['said']>>> = {
  [sw.SwitchStatus_State.ACTIVE]: 'active',
  [sw.SwitchStatus_State.DRAINING]: 'draining',
  [sw.SwitchStatus_State.DISCONNECTED]: 'disconnected',
};

/**
 * The switches after one status message; the same array when the message is of no use, with the reason.
 * An address belongs to whoever spoke last: pods' addresses are used again.
 */
export function withStatus(
  known: readonly SwitchRecord[],
  status: sw.SwitchStatus,
  now: number,
): { readonly switches: readonly SwitchRecord[]; readonly problem?: string } {
  const said = SAID[status.state];
  if (said === undefined) return { switches: known, problem: `state ${status.state} is not known` };
  const { switchId: id, sipAddress: address, sessions } = status;
  try {
    validateState({ ...NOTHING, switches: [{ id, address, state: 'active' }] });
  } catch (error) {
    if (!(error instanceof EdgeConfigError)) throw error;
    return { switches: known, problem: error.message };
  }
  const others = known.filter((s) => s.id !== id && s.address !== address);
  return { switches: [...others, { id, address, said, sessions, seenAt: now }].toSorted(byId) };
}

const byId = (a: SwitchRecord, b: SwitchRecord): number => (a.id < b.id ? -1 : 1);

/**
 * The switches without those that are gone: drained, empty and silent; or silent for longer than any call. Silence
 * counts only while we hear at all (`hearingSince`, ms; undefined: we do not).
 */
export function withoutGone(
  known: readonly SwitchRecord[],
  now: number,
  hearingSince: number | undefined,
  silence: Silence,
): readonly SwitchRecord[] {
  const kept = known.filter((s) => {
    const quiet = quietFor(s, now, hearingSince);
    const drained = s.said === 'draining' && s.sessions === 0;
    return quiet < (drained ? silence.silentAfterMs : silence.forgetAfterMs);
  });
  return kept.length === known.length ? known : kept;
}

function quietFor(s: SwitchRecord, now: number, hearingSince: number | undefined): number {
  return hearingSince === undefined ? 0 : now - Math.max(s.seenAt, hearingSince);
}

/** A silent switch is not dead: it is only no longer preferred. A drained one stays disabled, whatever it says. */
export function switchEntries(
  known: readonly SwitchRecord[],
  now: number,
  hearingSince: number | undefined,
  silence: Silence,
): SwitchEntry[] {
  return known.map((s) => {
    const silent = quietFor(s, now, hearingSince) >= silence.silentAfterMs;
    const state = s.said === 'draining' ? 'disabled' : silent || s.said === 'disconnected' ? 'inactive' : 'active';
    return { id: s.id, address: s.address, state };
  });
}

/** What Kamailio shall know. Without a configuration, ever, it admits nothing: 503, not 404, is the truth then. */
export function desiredState(routing: Routing | undefined, switches: readonly SwitchEntry[]): EdgeState {
  return {
    admit: routing !== undefined,
    trunks: routing?.trunks ?? [],
    accessNumbers: routing?.accessNumbers ?? [],
    switches,
  };
}
