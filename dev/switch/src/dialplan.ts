import type { Channel } from './channel/channel.ts';
import type { Core } from './core.ts';
import type { AppCall } from './session/session.ts';

/**
 * The static dialplan, the same as the generated one of FreeSWITCH. An edge says by header what a call is for:
 * `X-Ringback-Mode: callback` rings for X-Ringback-Ring-Time seconds and is refused with X-Ringback-Reject; `direct`
 * rings until the platform answers, with a limit in case nobody does. Anything else is refused.
 */
export function route(core: Core, channel: Channel): AppCall[] {
  if (core.config.dialplan === 'park') return [{ app: 'park', data: '' }];
  const mode = channel.get('sip_h_X-Ringback-Mode');
  const ringTime = channel.get('sip_h_X-Ringback-Ring-Time') ?? '';
  const reject = channel.get('sip_h_X-Ringback-Reject') ?? '';
  if (
    mode === 'callback' &&
    /^[1-9][0-9]{0,2}$/.test(ringTime) &&
    /^(USER_BUSY|NO_ANSWER|CALL_REJECTED)$/.test(reject)
  ) {
    return [
      { app: 'ring_ready', data: '' },
      { app: 'sched_hangup', data: `+${ringTime} ${reject}` },
      { app: 'park', data: '' },
    ];
  }
  if (mode === 'direct') {
    return [
      { app: 'ring_ready', data: '' },
      { app: 'sched_hangup', data: '+30 NO_USER_RESPONSE' },
      { app: 'park', data: '' },
    ];
  }
  return [{ app: 'respond', data: '403 Forbidden' }];
}
