import type { Cause } from '../causes.ts';
import type { CallerProfile } from '../channel/caller-profile.ts';
import { originate } from '../originate.ts';
import type { Session } from './session.ts';
import { SilenceFiller } from './silence.ts';

/** Two sessions whose audio and digits go to each other. */
interface Bridge {
  a: Session;
  b: Session;
  active: boolean;
  /** Whose media threads have let go. */
  ended: Promise<void>;
}

/** So many rounds (of 20 ms) without a frame are a pause, and no frame that is late: silence in its place would delay it. */
const QUIET_ROUNDS = 5;

/** One leg's half of a bridge: its digits and messages while the other's half does the same. */
async function exchange(self: Session, peer: Session, bridge: Bridge, perRound: () => void): Promise<void> {
  const silence = new SilenceFiller(peer);
  const epoch = (): number => Math.floor(self.core.bus.now() / 1_000_000);
  // Holds for the leg that has it, and only when the bridge began before its answer, with early media (recordings x05).
  const answerLimit = self.answered ? 0 : wholeSeconds(self.channel.get('bridge_answer_timeout'));
  const start = epoch();
  self.leg.onFrame = (frame) => {
    quietRounds = 0;
    // A prompt played into the peer alone replaces what it hears of us.
    if (peer.playing === 0) peer.leg.write(frame);
  };
  let quietRounds = 0;
  // B's thread is still on its way into CS_EXCHANGE_MEDIA when A's comes here.
  const peerStays = (): boolean =>
    peer === bridge.b ? peer.up && peer.channel.state === 'CS_EXCHANGE_MEDIA' : peer.ready;
  while (self.ready && peerStays() && bridge.active) {
    await self.round();
    for (let digit = self.takeDigit(); digit !== undefined; digit = self.takeDigit()) {
      if (peer.up) peer.leg.sendDtmf(digit.digit);
    }
    quietRounds += 1;
    if (quietRounds > QUIET_ROUNDS && peer.playing === 0) silence.fill();
    perRound();
    if (answerLimit > 0 && !self.answered && epoch() - start > answerLimit) self.hangup('ALLOTTED_TIMEOUT');
  }
  self.leg.onFrame = undefined;
  self.channel.set('bridge_to', undefined);
}

const wholeSeconds = (text: string | undefined): number => Math.max(0, Number.parseInt(text ?? '', 10) || 0);

/**
 * switch_ivr_multi_threaded_bridge, run by A's thread: CHANNEL_BRIDGE on A, B to CS_EXCHANGE_MEDIA, until one leg
 * goes; CHANNEL_UNBRIDGE on A. What happens to the survivor is the caller's to decide.
 */
export async function runBridge(a: Session, b: Session): Promise<void> {
  const core = a.core;
  const release = b.hold();
  const bridge: Bridge = { a, b, active: true, ended: Promise.resolve() };
  const now = core.bus.now();
  const ids: [string, string][] = [
    ['Bridge-A-Unique-ID', a.uuid],
    ['Bridge-B-Unique-ID', b.uuid],
  ];
  const pairs = [
    [a, b],
    [b, a],
  ] as const;
  for (const [self, peer] of pairs) {
    self.channel.times.bridged = now;
    self.channel.set('signal_bond', peer.uuid);
  }
  a.channel.emit('CHANNEL_BRIDGE', ids);
  for (const [self, peer] of pairs) {
    self.channel.setAll({
      bridge_channel: peer.channel.name,
      bridge_uuid: peer.uuid,
      bridge_to: peer.uuid,
      last_bridge_to: peer.uuid,
    });
  }
  // B's half runs in B's own thread, in CS_EXCHANGE_MEDIA.
  let bEnded: () => void = () => undefined;
  bridge.ended = new Promise((resolve) => {
    bEnded = resolve;
  });
  b.channel.callUuid = a.uuid;
  b.handlers.set('CS_EXCHANGE_MEDIA', async (self) => {
    await exchange(self, a, bridge, () => undefined);
    bEnded();
    if (!self.ready || self.channel.state !== 'CS_EXCHANGE_MEDIA' || a.up) return;
    self.channel.setAll({
      last_bridge_role: 'originatee',
      last_bridge_hangup_cause: a.channel.hangupCause,
      last_bridge_proto_specific_hangup_cause: a.channel.get('proto_specific_hangup_cause'),
    });
    self.hangup(self.answered ? 'NORMAL_CLEARING' : 'ORIGINATOR_CANCEL');
  });
  b.setState('CS_EXCHANGE_MEDIA', { transfer: true });
  let displayed = false;
  await exchange(a, b, bridge, () => {
    if (b.answered && !a.answered && a.up) void a.leg.answer();
    if (displayed || !a.answered || !b.answered) return;
    displayed = true;
    const p = a.channel.profile as CallerProfile;
    callUpdate(b, a, p.callerIdName, p.callerIdNumber);
    callUpdate(a, b, p.calleeIdName ?? '', p.calleeIdNumber ?? '');
  });
  bridge.active = false;
  b.wake();
  // B's thread ends B; A's waits for it.
  if (!a.up && b.channel.state === 'CS_EXCHANGE_MEDIA') await b.reported;
  finish(a, b, ids);
  release();
}

/** The display update of mod_sofia: A is shown whom it reached, B who calls. Nothing is told twice. */
function callUpdate(self: Session, peer: Session, name: string, number: string): void {
  const known =
    self.channel.get('last_sent_callee_id_name') === name && self.channel.get('last_sent_callee_id_number') === number;
  self.channel.setAll({ last_sent_callee_id_name: name, last_sent_callee_id_number: number });
  if (known) return;
  self.channel.emit('CALL_UPDATE', [
    ['Direction', 'SEND'],
    ['Sent-Callee-ID-Name', name],
    ['Sent-Callee-ID-Number', number],
    ['Bridged-To', peer.uuid],
  ]);
}

function finish(a: Session, b: Session, ids: [string, string][]): void {
  b.channel.callUuid = b.uuid;
  b.channel.set('call_uuid', b.uuid);
  const bCause: Cause | undefined = b.channel.hangupCause;
  if (a.up) {
    if (bCause !== undefined) {
      a.channel.setAll({
        sip_hangup_phrase: 'OK',
        last_bridge_hangup_cause: bCause,
        last_bridge_proto_specific_hangup_cause: b.channel.get('proto_specific_hangup_cause'),
      });
      // A refusal after early media.
      const refused =
        b.channel.get('sip_term_status') !== undefined ? b.channel.get('sip_invite_failure_status') : undefined;
      if (refused !== undefined) {
        a.channel.setAll({
          sip_invite_failure_status: refused,
          sip_invite_failure_phrase: b.channel.get('sip_invite_failure_phrase'),
        });
      }
    }
  } else a.channel.set('last_bridge_role', 'originator');
  if (bCause !== undefined) {
    a.channel.set('bridge_hangup_cause', bCause);
    if (!a.up) b.channel.set('bridge_hangup_cause', a.channel.hangupCause);
  } else {
    for (const self of [a, b]) {
      if (!self.transferring) continue;
      self.channel.otherLeg = undefined;
      self.channel.set('signal_bond', undefined);
    }
  }
  a.channel.emit('CHANNEL_UNBRIDGE', ids);
}

/** After a bridge: park, hang up, or go on, as the variables of A say. */
export function afterBridge(a: Session, b: Session, byUuidBridge: boolean): void {
  if (!a.ready) return;
  const { channel } = a;
  // A far end that sent early media only leaves the caller where it is (switch_ivr_multi_threaded_bridge).
  if (!byUuidBridge && b.channel.times.answered === 0) return;
  if (channel.isTrue('park_after_bridge')) a.setState('CS_PARK', { transfer: true });
  else if (byUuidBridge) {
    // Nothing is left to execute: that ends it.
    a.apps = [];
    a.setState('CS_EXECUTE', { transfer: true });
  } else if (channel.isTrue('hangup_after_bridge')) a.hangup(b.channel.hangupCause ?? 'NORMAL_CLEARING');
}

/** The `bridge` application. */
export async function bridgeApp(session: Session, data: string): Promise<void> {
  const { channel } = session;
  const result = await originate(session.core, { dial: data, caller: session });
  if (!result.ok) {
    if (!session.up) return;
    const goOn = channel.get('continue_on_fail') ?? '';
    const listed = goOn.split(',').map((cause) => cause.trim().toUpperCase());
    // No answer is always a reason to go on (mod_dptools, audio_bridge_function).
    const always: Cause[] = ['NO_ANSWER', 'NO_USER_RESPONSE', 'ORIGINATOR_CANCEL'];
    if (channel.isTrue('continue_on_fail') || listed.includes(result.cause) || always.includes(result.cause)) return;
    session.hangup(result.cause);
    return;
  }
  const peer = result.session;
  await runBridge(session, peer);
  afterBridge(session, peer, false);
}
