import type { sw } from '@ringback/contracts';

export interface DialOptions {
  legId: string;
  dial: sw.Dial;
  profile: string;
  /** host:port of the edge the INVITE goes through; empty: straight to the gateway. */
  edge: string;
  /** Gateway whose credentials meet a challenge; empty: none. */
  credentialsOf?: string;
  traceparent: string;
}

/** The cause by which the switch's own cut-off is recognised. */
export const CUT_OFF = 'ALLOTTED_TIMEOUT';

function endpoint({ dial, profile, edge }: DialOptions): string {
  return `sofia/${profile}/${dial.toUser}@${dial.gateway}${edge === '' ? '' : `;fs_path=sip:${edge}`}`;
}

function common({ legId, dial, traceparent, credentialsOf = '' }: DialOptions): string[] {
  const caller =
    dial.callerId === ''
      ? [
          'origination_caller_id_number=anonymous',
          'origination_caller_id_name=Anonymous',
          'origination_privacy=screen+hide_name+hide_number',
        ]
      : [`origination_caller_id_number=${dial.callerId}`, `origination_caller_id_name=${dial.callerId}`];
  return [
    `origination_uuid=${legId}`,
    ...caller,
    `execute_on_answer='sched_hangup +${dial.cutoffSeconds} ${CUT_OFF}'`,
    // A star is input, not the end of a prompt.
    'playback_terminators=none',
    // The leg's own limit: `progress_timeout` is not read within the brackets of a leg.
    ...(dial.progressTimeoutSeconds > 0 ? [`leg_progress_timeout=${dial.progressTimeoutSeconds}`] : []),
    ...(credentialsOf === '' ? [] : [`sip_use_gateway=${credentialsOf}`]),
    ...(traceparent === '' ? [] : [`sip_h_X-Traceparent=${traceparent}`]),
  ];
}

/** `originate` of leg A: answered (early media is no answer), then parked. */
export function originateLine(options: DialOptions): string {
  const variables = [
    ...common(options),
    'ignore_early_media=true',
    `originate_timeout=${options.dial.answerTimeoutSeconds}`,
  ];
  return `originate {${variables.join(',')}}${endpoint(options)} &park()`;
}

/**
 * Argument of `bridge` to leg B. `originate_timeout` ends the ringing; it stops counting at early media (a 183), where
 * `bridge_answer_timeout` begins.
 */
export function bridgeArgument(options: DialOptions): string {
  const { answerTimeoutSeconds } = options.dial;
  const variables = [...common(options), `bridge_answer_timeout=${answerTimeoutSeconds}`];
  return `{originate_timeout=${answerTimeoutSeconds}}[${variables.join(',')}]${endpoint(options)}`;
}

/** The realm of the code that ends leg B; cleared with `clear_digit_action all`, or digits are held (recording x08q). */
export const END_CODE_REALM = 'incall';
export const END_CODE_SUBCLASS = 'ringback::endcode';

export const bindEndCode = (code: string): string =>
  `${END_CODE_REALM},${code},exec[i]:event,Event-Name=CUSTOM\\,Event-Subclass=${END_CODE_SUBCLASS}`;
