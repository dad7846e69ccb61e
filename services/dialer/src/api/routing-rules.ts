import { isIP } from 'node:net';
import type { dialer } from '@ringback/contracts';
import { GrpcError } from '@ringback/service-kit';

const RING_CYCLE_MS = 5_000;
const RING_CYCLES = 2.5;
const MOST_RETRIES = 10;
const LONGEST_RETRY_S = 86_400;
const bad = GrpcError.invalidArgument;

const E164 = /^\+[1-9]\d{6,14}$/;

function range(field: string, value: number, least: number, most: number): number {
  if (value < least || value > most) throw bad(field, `must be between ${least} and ${most}, got ${value}`);
  return value;
}

function oneOf(field: string, value: string, allowed: string[]): string {
  if (!allowed.includes(value)) throw bad(field, `must be one of ${allowed.join(', ')}, got "${value}"`);
  return value;
}

/** A schedule of retries: none given, the default. */
function seconds(field: string, given: number[], standard: number[]): number[] {
  if (given.length === 0) return standard;
  if (given.length > MOST_RETRIES) throw bad(field, `has more than ${MOST_RETRIES} waits`);
  return given.map((wait, index) => range(`${field}[${index}]`, wait, 1, LONGEST_RETRY_S));
}

/** How long a trigger rings: in ring cycles, or in ms where it is given so. */
function ringing(given: dialer.AccessNumber): Pick<dialer.AccessNumber, 'ringCycleMs' | 'ringCycles' | 'ringTimeMs'> {
  const ringCycleMs = range('access_number.ring_cycle_ms', given.ringCycleMs || RING_CYCLE_MS, 1_000, 15_000);
  const ringCycles = given.ringCycles || (given.ringTimeMs > 0 ? 0 : RING_CYCLES);
  if (!Number.isFinite(ringCycles) || ringCycles < 0) throw bad('access_number.ring_cycles', 'must be 0 or above');
  const ringTimeMs = ringCycles > 0 ? Math.round(ringCycles * ringCycleMs) : given.ringTimeMs;
  const field = ringCycles > 0 ? 'access_number.ring_cycles' : 'access_number.ring_time_ms';
  return { ringCycleMs, ringCycles, ringTimeMs: range(field, ringTimeMs, 1_000, 60_000) };
}

/** Fills an access number's defaults; refuses nonsense, naming the field. */
export function checkAccessNumber(number: dialer.AccessNumber | undefined): dialer.AccessNumber {
  if (!number) throw bad('access_number', 'is missing');
  if (!E164.test(number.number)) throw bad('access_number.number', 'wants E.164 with +, like +48223000000');
  if (number.endCode !== '' && !/^[0-9*#]{2,6}$/.test(number.endCode)) {
    throw bad('access_number.end_code', 'wants 2 to 6 of 0-9 * #');
  }
  if (number.shownCallerId !== '' && !E164.test(number.shownCallerId)) {
    throw bad('access_number.shown_caller_id', 'wants E.164 with +');
  }
  const language = number.language || 'en';
  if (!/^[a-z]{2,3}(-[A-Z]{2})?$/.test(language))
    throw bad('access_number.language', 'wants a language tag like en or pl');
  return {
    ...number,
    language,
    mode: oneOf('access_number.mode', number.mode || 'callback', ['callback', 'direct']),
    unknownCallers: oneOf('access_number.unknown_callers', number.unknownCallers || 'refuse', ['refuse', 'ask']),
    ...ringing(number),
    rejectCode: Number(oneOf('access_number.reject_code', String(number.rejectCode || 486), ['486', '480', '603'])),
    callbackDelayMs: range('access_number.callback_delay_ms', number.callbackDelayMs || 4_000, 100, 60_000),
    answerConfirmation: oneOf('access_number.answer_confirmation', number.answerConfirmation || 'none', [
      'none',
      'press1',
    ]),
    endCode: number.endCode || '#11',
    busyRetrySeconds: seconds('access_number.busy_retry_seconds', number.busyRetrySeconds, [10, 30, 120]),
    noAnswerRetrySeconds: seconds('access_number.no_answer_retry_seconds', number.noAnswerRetrySeconds, [30]),
    coolDownSeconds: range('access_number.cool_down_seconds', number.coolDownSeconds || 5, 1, 86_400),
    answerTimeoutSeconds: range('access_number.answer_timeout_seconds', number.answerTimeoutSeconds || 30, 5, 120),
  };
}

/** Fills a trunk's defaults; refuses nonsense, naming the field. */
export function checkTrunk(trunk: dialer.Trunk | undefined): dialer.Trunk {
  if (!trunk) throw bad('trunk', 'is missing');
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(trunk.id)) throw bad('trunk.id', 'wants lower case letters, digits and dashes');
  trunk.sources.forEach((source, index) => {
    const [address = '', bits, more] = source.split('/');
    const bitsFit = bits === undefined || (/^\d{1,2}$/.test(bits) && Number(bits) <= 32);
    if (isIP(address) !== 4 || !bitsFit || more !== undefined) {
      throw bad(`trunk.sources[${index}]`, `wants an IPv4 address or CIDR, got "${source}"`);
    }
  });
  for (const field of ['gateway', 'registrar'] as const) {
    if (trunk[field] === '') continue;
    const match = /^([A-Za-z0-9.-]+):(\d{1,5})$/.exec(trunk[field]);
    if (!match || Number(match[2]) > 65_535) throw bad(`trunk.${field}`, `wants host:port, got "${trunk[field]}"`);
  }
  if (trunk.registrar !== '' && trunk.username === '')
    throw bad('trunk.username', 'is missing, and there is a registrar');
  const registerSeconds = range('trunk.register_seconds', trunk.registerSeconds || 600, 60, 86_400);
  if (trunk.sources.length === 0 && trunk.gateway === '') throw bad('trunk', 'needs sources, a gateway, or both');
  for (const field of ['username', 'password'] as const) {
    // Printable ASCII: what every carrier's equipment agrees about.
    if (!/^[\x21-\x7e]{0,128}$/.test(trunk[field]))
      throw bad(`trunk.${field}`, 'wants at most 128 printable characters');
  }
  const country = trunk.country || 'PL';
  if (!/^[A-Z]{2}$/.test(country)) throw bad('trunk.country', 'wants ISO 3166-1 alpha-2, like PL');
  trunk.prefixes.forEach((prefix, index) => {
    if (!/^\+\d{1,15}$/.test(prefix)) throw bad(`trunk.prefixes[${index}]`, `wants + and digits, got "${prefix}"`);
  });
  return {
    ...trunk,
    registerSeconds,
    country,
    identity: oneOf('trunk.identity', trunk.identity || 'from', ['pai', 'rpid', 'from']),
    numberFormat: oneOf('trunk.number_format', trunk.numberFormat || 'e164plus', ['e164plus', 'e164', '00']),
  };
}

export function checkPrefix(prefix: string): string {
  if (!/^\+\d{1,15}$/.test(prefix)) throw bad('prefix', 'wants + and 1 to 15 digits');
  return prefix;
}
