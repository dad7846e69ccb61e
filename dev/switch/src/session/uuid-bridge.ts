import { randomUUID } from 'node:crypto';
import type { CallerProfile } from '../channel/caller-profile.ts';
import { afterBridge, runBridge } from './bridge.ts';
import type { Session } from './session.ts';

function takeOver(self: Session, peer: Session, type: 'originator' | 'originatee'): void {
  const { channel } = self;
  const profile = channel.profile as CallerProfile;
  const now = self.core.bus.now();
  const source = `${Math.floor(now / 1_000_000)}:${randomUUID()}:uuid_br:${peer.uuid}`;
  const history = channel.get('transfer_history');
  channel.setAll({
    bridge_channel: peer.channel.name,
    bridge_uuid: peer.uuid,
    signal_bond: peer.uuid,
    original_destination_number: profile.destinationNumber,
    original_caller_id_name: profile.callerIdName,
    original_caller_id_number: profile.callerIdNumber,
    transfer_history: history === undefined ? source : `ARRAY::${history.replace(/^ARRAY::/, '')}|:${source}`,
    transfer_source: source,
  });
  profile.transferSource = source;
  profile.profileIndex += 1;
  profile.profileCreated = now;
  channel.otherLeg = { type, profile: { ...(peer.channel.profile as CallerProfile) }, times: peer.channel.times };
}

/** CS_HIBERNATE → CS_RESET → CS_SOFT_EXECUTE, as uuid_bridge sends both legs through. */
function route(self: Session): void {
  self.handlers.set('CS_HIBERNATE', async (session) => {
    session.channel.state = 'CS_RESET';
  });
  self.handlers.set('CS_RESET', async (session) => {
    session.channel.state = 'CS_SOFT_EXECUTE';
  });
  self.setState('CS_HIBERNATE', { transfer: true });
}

/**
 * switch_ivr_uuid_bridge: takes two channels out of what they do and bridges them. A leg that is not answered (and
 * has no early media) kills both: A with ORIGINATOR_CANCEL, B with DESTINATION_OUT_OF_ORDER (recording s08e).
 */
export function uuidBridge(a: Session, b: Session): void {
  if (a.channel.profile !== undefined) a.channel.profile.logicalDirection = 'inbound';
  a.channel.set('uuid_bridge', b.uuid);
  const [first, second] = [a.channel.profile as CallerProfile, b.channel.profile as CallerProfile];
  first.calleeIdName = second.calleeIdName ?? '';
  first.calleeIdNumber = second.calleeIdNumber ?? '';
  takeOver(a, b, 'originatee');
  takeOver(b, a, 'originator');
  // B is called by A now.
  second.callerIdName = first.callerIdName;
  second.callerIdNumber = first.callerIdNumber;
  b.channel.hitDialplan = false;
  let bReady: () => void = () => undefined;
  const bArrived = new Promise<void>((resolve) => {
    bReady = resolve;
  });
  b.handlers.set('CS_SOFT_EXECUTE', async () => bReady());
  a.handlers.set('CS_SOFT_EXECUTE', async (session) => {
    // A waits for B to arrive, or to go.
    await Promise.race([bArrived, b.destroyed]);
    await session.tick();
    await session.tick();
    session.channel.set('uuid_bridge', undefined);
    if (!session.up) {
      if (b.up) b.hangup('NORMAL_CLEARING');
      return;
    }
    if (!usable(b) || !usable(session)) {
      b.hangup('DESTINATION_OUT_OF_ORDER');
      session.channel.set('last_bridge_hangup_cause', b.channel.hangupCause);
      session.hangup('ORIGINATOR_CANCEL');
      return;
    }
    session.channel.emit('CHANNEL_EXECUTE', [
      ['Application', 'uuid_bridge'],
      ['Application-Data', b.uuid],
    ]);
    b.channel.emit('CHANNEL_EXECUTE', [
      ['Application', 'uuid_bridge'],
      ['Application-Data', session.uuid],
    ]);
    b.setState('CS_CONSUME_MEDIA', { transfer: true });
    await runBridge(session, b);
    afterBridge(session, b, true);
  });
  route(a);
  route(b);
}

function usable(session: Session): boolean {
  return session.up && (session.answered || session.channel.answerState === 'early');
}
