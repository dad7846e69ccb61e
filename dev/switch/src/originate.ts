import { randomUUID } from 'node:crypto';
import { type Cause, parseCause } from './causes.ts';
import type { CallerProfile } from './channel/caller-profile.ts';
import { Channel } from './channel/channel.ts';
import type { Core } from './core.ts';
import { type DialLeg, type DialString, parseDialString, parseSofia, type SofiaEndpoint } from './dial-string.ts';
import { CallerWait } from './session/caller-wait.ts';
import { Session } from './session/session.ts';

/** `disposition`: what originate_disposition says, when it is not the cause. */
export type OriginateResult = { ok: true; session: Session } | { ok: false; cause: Cause; disposition?: Cause };

export interface OriginateRequest {
  dial: string;
  /** The leg on whose behalf the call is made (bridge). */
  caller?: Session;
  /** Whole seconds until NO_ANSWER when no variable says otherwise. */
  timeoutSeconds?: number;
}

/** States a ringing leg is only in when another command has taken it over. */
const TAKEN = new Set(['CS_HIBERNATE', 'CS_RESET', 'CS_SOFT_EXECUTE', 'CS_PARK', 'CS_EXCHANGE_MEDIA']);

const number = (text: string | undefined): number => Math.max(0, Number.parseInt(text ?? '', 10) || 0);

/** switch_ivr_originate: makes the legs, waits for one to answer (or to send early media), ends the others. */
export async function originate(core: Core, request: OriginateRequest): Promise<OriginateResult> {
  const parsed = parseDialString(request.dial);
  if (parsed === undefined) return { ok: false, cause: 'DESTINATION_OUT_OF_ORDER' };
  let last: Cause = 'DESTINATION_OUT_OF_ORDER';
  const wait = request.caller === undefined ? undefined : new CallerWait(request.caller);
  wait?.begin();
  const causes: string[] = [];
  let disposition: Cause | undefined;
  for (const group of parsed.groups) {
    const result = await tryGroup(core, request, parsed, group, wait, causes);
    if (result.ok) {
      await wait?.succeed(result.session, causes);
      return result;
    }
    last = result.cause;
    disposition = result.disposition;
    if (request.caller !== undefined && !request.caller.up) break;
  }
  wait?.fail(last, disposition ?? last, causes);
  return { ok: false, cause: last };
}

interface Attempt {
  session: Session;
  leg: DialLeg;
  variables: Map<string, string>;
}

async function tryGroup(
  core: Core,
  request: OriginateRequest,
  dial: DialString,
  group: DialLeg[],
  wait: CallerWait | undefined,
  causes: string[],
): Promise<OriginateResult> {
  const attempts: Attempt[] = [];
  let last: Cause = 'DESTINATION_OUT_OF_ORDER';
  let disposition: Cause | undefined;
  for (const leg of group) {
    const variables = new Map([...dial.variables, ...leg.variables]);
    const made = makeLeg(core, leg, variables, request.caller);
    if (made instanceof Session) attempts.push({ session: made, leg, variables });
    else last = made;
  }
  if (attempts.length === 0) return { ok: false, cause: last };

  const option = (name: string): string | undefined => dial.variables.get(name) ?? request.caller?.channel.get(name);
  const epoch = (): number => Math.floor(core.bus.now() / 1_000_000);
  const start = epoch();
  const limit =
    number(dial.variables.get('originate_timeout')) || number(option('call_timeout')) || request.timeoutSeconds || 60;
  const progressLimit = number(option('progress_timeout'));
  const ignoreEarly = /^(true|yes|ring_ready|1)$/i.test(option('ignore_early_media') ?? '');
  const live = new Set(attempts);
  const end = (attempt: Attempt, cause: Cause): void => {
    attempt.session.hangup(cause);
    last = attempt.session.channel.hangupCause ?? cause;
    causes.push(`${attempt.session.uuid};${last}`);
    live.delete(attempt);
    wait?.legEnded(attempt.session);
  };
  while (live.size > 0) {
    await core.timer.beat((wake) => {
      for (const attempt of live) attempt.session.onSignal = wake;
    });
    if (wait !== undefined) {
      await wait.round([...live].map((attempt) => attempt.session));
      if (!wait.up) {
        for (const attempt of Array.from(live)) {
          attempt.session.channel.setAll({
            last_bridge_hangup_cause: request.caller?.channel.hangupCause,
            last_bridge_proto_specific_hangup_cause: request.caller?.channel.get('proto_specific_hangup_cause'),
          });
          end(attempt, 'ORIGINATOR_CANCEL');
        }
        return { ok: false, cause: 'ORIGINATOR_CANCEL' };
      }
    }
    for (const attempt of Array.from(live)) {
      const { session } = attempt;
      const { channel } = session;
      if (TAKEN.has(channel.state)) {
        // Taken elsewhere (uuid_bridge of a leg that still rings): recording s08e.
        live.delete(attempt);
        last = 'ORIGINATOR_CANCEL';
      } else if (!session.up) end(attempt, channel.hangupCause ?? last);
      else if (channel.answerState === 'answered' || (channel.answerState === 'early' && !ignoreEarly)) {
        for (const other of Array.from(live)) if (other !== attempt) end(other, 'LOSE_RACE');
        causes.push(`${session.uuid};NONE`);
        return { ok: true, session };
      } else {
        const elapsed = epoch() - start;
        const progressed = channel.times.progress > 0 || channel.times.progressMedia > 0;
        const legLimit = number(attempt.variables.get('leg_timeout'));
        const legProgress = number(attempt.variables.get('leg_progress_timeout'));
        if (elapsed >= limit) end(attempt, 'NO_ANSWER');
        else if (legLimit > 0 && elapsed > legLimit) end(attempt, 'ALLOTTED_TIMEOUT');
        else if (!progressed && legProgress > 0 && elapsed > legProgress) end(attempt, 'PROGRESS_TIMEOUT');
        else if (!progressed && progressLimit > 0 && elapsed > progressLimit) {
          end(attempt, 'PROGRESS_TIMEOUT');
          // The whole originate timed out: that is what its disposition says (recording x04d).
          disposition = 'NO_ANSWER';
        }
      }
    }
  }
  return { ok: false, cause: last, ...(disposition === undefined ? {} : { disposition }) };
}

function makeLeg(
  core: Core,
  leg: DialLeg,
  variables: Map<string, string>,
  caller: Session | undefined,
): Session | Cause {
  if (leg.endpoint.startsWith('error/')) return parseCause(leg.endpoint.slice(6)) ?? 'NORMAL_CLEARING';
  if (leg.endpoint.startsWith('user/')) return 'SUBSCRIBER_ABSENT';
  const endpoint = parseSofia(leg.endpoint);
  const uuid = variables.get('origination_uuid') ?? randomUUID();
  if (core.sessions.has(uuid) || !core.admit()) return 'DESTINATION_OUT_OF_ORDER';
  if (endpoint === undefined) {
    if (leg.endpoint.startsWith('sofia/')) return 'INVALID_URL';
    core.destroyUnborn(uuid);
    return 'CHAN_NOT_IMPLEMENTED';
  }
  if (endpoint.profile !== core.profileName) return 'INVALID_PROFILE';
  const sofiaName = `sofia/${endpoint.profile}/${endpoint.user === '' ? '' : `${endpoint.user}@`}${endpoint.host}`;
  const channel = new Channel(core.bus, {
    uuid,
    direction: 'outbound',
    name: sofiaName,
    sessionId: core.nextSessionId(),
    globals: core.globals,
  });
  channel.profile = legProfile(core, channel, endpoint, variables, caller);
  const session = new Session(core, channel);
  core.add(session);
  if (caller !== undefined)
    channel.otherLeg = {
      type: 'originator',
      profile: { ...(caller.channel.profile as CallerProfile) },
      times: caller.channel.times,
    };
  channel.emit('CHANNEL_OUTGOING');
  if (caller !== undefined) inheritFromCaller(channel, caller);
  for (const [name, value] of variables) channel.set(name, value);
  channel.setAll({
    originate_early_media: 'true',
    ...(caller === undefined ? {} : { originating_leg_uuid: caller.uuid }),
    originate_endpoint: 'sofia',
    sip_profile_name: endpoint.profile,
    channel_name: sofiaName,
    sip_destination_url: `sip:${endpoint.user === '' ? '' : `${endpoint.user}@`}${endpoint.host}`,
  });
  session.leg = core.invite(session, endpoint);
  void session.run();
  return session;
}

/** `export`ed variables, the bond, and the Channel-Call-UUID of the caller. */
function inheritFromCaller(channel: Channel, caller: Session): void {
  for (const name of (caller.channel.get('export_vars') ?? '').split(',')) {
    const key = name.replace(/^nolocal:/, '');
    const value = caller.channel.variables.get(key) ?? caller.channel.variables.get(`nolocal:${key}`);
    if (key !== '' && value !== undefined) channel.set(key, value);
  }
  channel.callUuid = caller.uuid;
  channel.setAll({ originator: caller.uuid, signal_bond: caller.uuid, call_uuid: caller.uuid });
}

function legProfile(
  core: Core,
  channel: Channel,
  endpoint: SofiaEndpoint,
  variables: Map<string, string>,
  caller: Session | undefined,
): CallerProfile {
  const from = caller?.channel;
  const p = from?.profile;
  const name =
    variables.get('origination_caller_id_name') ?? from?.get('effective_caller_id_name') ?? p?.callerIdName ?? '';
  const callerNumber =
    variables.get('origination_caller_id_number') ??
    from?.get('effective_caller_id_number') ??
    p?.callerIdNumber ??
    '0000000000';
  return {
    direction: 'outbound',
    logicalDirection: 'outbound',
    ...(p?.username === undefined ? {} : { username: p.username }),
    ...(p?.dialplan === undefined ? {} : { dialplan: p.dialplan }),
    callerIdName: name,
    callerIdNumber: callerNumber,
    origCallerIdName: p?.origCallerIdName ?? name,
    origCallerIdNumber: p?.origCallerIdNumber ?? callerNumber,
    calleeIdName: variables.get('origination_callee_id_name') ?? 'Outbound Call',
    calleeIdNumber: variables.get('origination_callee_id_number') ?? endpoint.user,
    ...(p?.networkAddr === undefined ? {} : { networkAddr: p.networkAddr }),
    ani: p?.ani ?? callerNumber,
    destinationNumber: endpoint.user,
    uuid: channel.uuid,
    source: p?.source ?? 'src/switch_ivr_originate.c',
    context: p?.context ?? 'default',
    channelName: channel.name,
    profileIndex: 1,
    profileCreated: channel.times.created,
  };
}
