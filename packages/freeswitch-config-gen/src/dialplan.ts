import { CONTEXT, MODE_HEADER } from './model.ts';
import { type Element, element } from './xml.ts';

const RING_TIME = 'X-Ringback-Ring-Time';
const REJECT = 'X-Ringback-Reject';
/** Longest a call in direct mode waits for the platform's answer, seconds; then 408 (NO_USER_RESPONSE, recording s05c). */
const DIRECT_WAIT = 30;

const header = (name: string): string => `\${sip_h_${name}}`;

function extension(
  name: string,
  conditions: readonly (readonly [string, string])[],
  actions: readonly Element[],
): Element {
  const last = conditions.length - 1;
  return element(
    'extension',
    { name },
    conditions.map(([field, expression], index) =>
      element('condition', { field, expression }, index === last ? actions : []),
    ),
  );
}

function action(application: string, data?: string): Element {
  return element('action', data === undefined ? { application } : { application, data });
}

/**
 * The static dialplan. A trigger rings and is rejected by the switch itself after its ring time: neither agent nor
 * dialer is needed for that. A direct call rings until it is answered from above. All else is refused.
 */
export function dialplanSection(): Element {
  const mode = header(MODE_HEADER);
  return element('section', { name: 'dialplan' }, [
    element('context', { name: CONTEXT }, [
      extension(
        'callback',
        [
          [mode, '^callback$'],
          [header(RING_TIME), '^[1-9][0-9]{0,2}$'],
          [header(REJECT), '^(USER_BUSY|NO_ANSWER|CALL_REJECTED)$'],
        ],
        [action('ring_ready'), action('sched_hangup', `+${header(RING_TIME)} ${header(REJECT)}`), action('park')],
      ),
      extension(
        'direct',
        [[mode, '^direct$']],
        [action('ring_ready'), action('sched_hangup', `+${DIRECT_WAIT} NO_USER_RESPONSE`), action('park')],
      ),
      extension('refused', [['destination_number', '^.*$']], [action('respond', '403 Forbidden')]),
    ]),
  ]);
}
