import type { Session } from './session.ts';

/** uuid_hold: the leg's call state and times; its bridged peer hears hold music meanwhile. */
export function hold(session: Session, on: boolean): void {
  const { channel, core } = session;
  if (!session.up || !session.answered || (channel.callState === 'HELD') === on) return;
  if (on) {
    channel.setCallState('HELD');
    channel.times.lastHold = core.bus.now();
    channel.emit('CHANNEL_HOLD');
  } else {
    channel.setCallState('UNHELD');
    channel.setCallState('ACTIVE');
    channel.times.holdAccum += core.bus.now() - channel.times.lastHold;
    channel.emit('CHANNEL_UNHOLD');
  }
  const peer = core.sessions.get(channel.get('bridge_to') ?? '');
  if (peer === undefined) return;
  if (on) core.holdMusic(peer);
  else peer.stopBroadcast();
}
