import type { Session } from './session.ts';
import { SilenceFiller } from './silence.ts';

/** switch_ivr_park: waits for commands; CHANNEL_UNPARK follows only when the call ends or is taken elsewhere. */
export async function park(session: Session): Promise<void> {
  const { channel } = session;
  channel.emit('CHANNEL_PARK');
  const silence = new SilenceFiller(session);
  const timeout = Number.parseInt(channel.get('park_timeout') ?? '', 10);
  const expires = timeout > 0 ? session.core.bus.now() + timeout * 1_000_000 : Number.POSITIVE_INFINITY;
  while (session.ready) {
    const hadMedia = session.leg.mediaReady;
    await session.tick();
    await session.runInline();
    // Without media one message a round is taken unannounced, then the rest. What was queued before the hang-up is
    // still executed (recording s05f).
    if (!hadMedia) await session.messages.parseOne();
    await session.messages.parseAll();
    while (session.takeDigit() !== undefined);
    silence.fill();
    if (session.core.bus.now() >= expires && session.ready) {
      session.hangup('NORMAL_CLEARING');
    }
  }
  channel.set('current_loop', undefined);
  channel.set('total_loops', undefined);
  channel.emit('CHANNEL_UNPARK');
}
