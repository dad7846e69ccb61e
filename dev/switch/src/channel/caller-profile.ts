/** Times of a channel in epoch microseconds; 0 = has not happened. */
export interface ChannelTimes {
  created: number;
  answered: number;
  progress: number;
  progressMedia: number;
  hangup: number;
  transferred: number;
  resurrected: number;
  bridged: number;
  lastHold: number;
  holdAccum: number;
}

export const noTimes = (): ChannelTimes => ({
  created: 0,
  answered: 0,
  progress: 0,
  progressMedia: 0,
  hangup: 0,
  transferred: 0,
  resurrected: 0,
  bridged: 0,
  lastHold: 0,
  holdAccum: 0,
});

/** switch_caller_profile_t: who calls whom, as every channel event tells it. */
export interface CallerProfile {
  direction: 'inbound' | 'outbound';
  logicalDirection: 'inbound' | 'outbound';
  username?: string;
  dialplan?: string;
  callerIdName: string;
  callerIdNumber: string;
  origCallerIdName: string;
  origCallerIdNumber: string;
  calleeIdName?: string;
  calleeIdNumber?: string;
  networkAddr?: string;
  ani: string;
  destinationNumber: string;
  uuid: string;
  source: string;
  transferSource?: string;
  context: string;
  rdnis?: string;
  channelName: string;
  profileIndex: number;
  profileCreated: number;
}

/** Headers of a profile in FreeSWITCH's order; `prefix` is `Caller` or `Other-Leg`. */
export function profileHeaders(prefix: string, p: CallerProfile, times: ChannelTimes): [string, string][] {
  const out: [string, string][] = [];
  const add = (name: string, value: string | number | undefined): void => {
    if (value !== undefined && value !== '') out.push([`${prefix}-${name}`, String(value)]);
  };
  add('Direction', p.direction);
  add('Logical-Direction', p.logicalDirection);
  add('Username', p.username);
  add('Dialplan', p.dialplan);
  add('Caller-ID-Name', p.callerIdName);
  add('Caller-ID-Number', p.callerIdNumber);
  add('Orig-Caller-ID-Name', p.origCallerIdName);
  add('Orig-Caller-ID-Number', p.origCallerIdNumber);
  add('Callee-ID-Name', p.calleeIdName);
  add('Callee-ID-Number', p.calleeIdNumber);
  add('Network-Addr', p.networkAddr);
  add('ANI', p.ani);
  add('Destination-Number', p.destinationNumber);
  add('Unique-ID', p.uuid);
  add('Source', p.source);
  add('Transfer-Source', p.transferSource);
  add('Context', p.context);
  add('RDNIS', p.rdnis);
  add('Channel-Name', p.channelName);
  if (prefix === 'Caller') add('Profile-Index', p.profileIndex);
  add('Profile-Created-Time', p.profileCreated);
  add('Channel-Created-Time', times.created);
  add('Channel-Answered-Time', times.answered);
  add('Channel-Progress-Time', times.progress);
  add('Channel-Progress-Media-Time', times.progressMedia);
  add('Channel-Hangup-Time', times.hangup);
  add('Channel-Transfer-Time', times.transferred);
  add('Channel-Resurrect-Time', times.resurrected);
  add('Channel-Bridged-Time', times.bridged);
  add('Channel-Last-Hold', times.lastHold);
  add('Channel-Hold-Accum', times.holdAccum);
  add('Screen-Bit', 'true');
  add('Privacy-Hide-Name', 'false');
  add('Privacy-Hide-Number', 'false');
  return out;
}
