import { SHARDS, type sw } from '@ringback/contracts';

const TOKEN = /^[A-Za-z0-9_.:-]{1,128}$/;
const LEG_ID = /^[A-Za-z0-9-]{1,64}$/;
const USER = /^\+?[A-Za-z0-9*#_.-]{1,64}$/;
const TRUNK = /^[A-Za-z0-9_-]{1,63}$/;
const GATEWAY = /^[A-Za-z0-9.-]{1,253}(:\d{1,5})?$/;
const CAUSE = /^[A-Z][A-Z0-9_]{1,60}$/;
const PROMPT = /^[A-Za-z0-9_-]+(\/[A-Za-z0-9_-]+)*$/;
const TRACEPARENT = /^([0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2})?$/;
const KEYS = /^[0-9*#]*$/;
const MAX_SECONDS = 7 * 86_400;
const MAX_DIGITS = 62;

type Problem = string | undefined;

/**
 * What makes a command impossible, naming the field; undefined when it can be performed. Everything that ends up in a
 * line for the switch passes here: no separator, quote or line break can be smuggled in.
 */
export function problemOf(command: sw.Command): Problem {
  const { body } = command;
  if (!TOKEN.test(command.commandId)) return 'command_id: 1 to 128 of A–Z a–z 0–9 _ . : -';
  if (!body) return 'body: is missing or of a kind that is not known';
  if (body.$case === 'drain') return undefined;
  if (!TOKEN.test(command.sessionId)) return 'session_id: 1 to 128 of A–Z a–z 0–9 _ . : -';
  if (!LEG_ID.test(command.legId)) return 'leg_id: 1 to 64 of A–Z a–z 0–9 -';
  if (command.shard >= SHARDS) return `shard: must be below ${SHARDS}`;
  if (!TRACEPARENT.test(command.traceparent)) return 'traceparent: not a W3C traceparent';
  switch (body.$case) {
    case 'originate':
      return dialProblem(body.value.dial, 'originate.dial');
    case 'answer':
      return secondsProblem(body.value.cutoffSeconds, 'answer.cutoff_seconds');
    case 'play':
      return playProblem(body.value);
    case 'bridge':
      return bridgeProblem(command.legId, body.value);
    case 'hangup':
      return CAUSE.test(body.value.cause) ? undefined : 'hangup.cause: not a cause name';
    case 'setCutoff':
      return body.value.atUs > 0n ? undefined : 'set_cutoff.at_us: must be a moment';
    case 'warn':
      return PROMPT.test(body.value.prompt) ? undefined : 'warn.prompt: not a prompt name';
    default:
      return undefined;
  }
}

function secondsProblem(seconds: number, field: string): Problem {
  return seconds >= 1 && seconds <= MAX_SECONDS ? undefined : `${field}: must be 1 to ${MAX_SECONDS} seconds`;
}

function dialProblem(dial: sw.Dial | undefined, field: string): Problem {
  if (!dial) return `${field}: is missing`;
  if (!USER.test(dial.toUser)) return `${field}.to_user: not a user part`;
  if (!GATEWAY.test(dial.gateway)) return `${field}.gateway: not host:port`;
  if (dial.callerId !== '' && !USER.test(dial.callerId)) return `${field}.caller_id: not a user part`;
  if (dial.credentials && !TRUNK.test(dial.trunkId)) return `${field}.trunk_id: not the id of a trunk`;
  return (
    secondsProblem(dial.cutoffSeconds, `${field}.cutoff_seconds`) ??
    secondsProblem(dial.answerTimeoutSeconds, `${field}.answer_timeout_seconds`) ??
    (dial.progressTimeoutSeconds > MAX_SECONDS ? `${field}.progress_timeout_seconds: too long` : undefined)
  );
}

function playProblem({ prompts, collect }: sw.Play): Problem {
  const wrong = prompts.findIndex((prompt) => !PROMPT.test(prompt));
  if (wrong >= 0) return `play.prompts[${wrong}]: not a prompt name`;
  if (!collect) return undefined;
  const { maxDigits, minDigits, seal } = collect;
  if (maxDigits < 1 || maxDigits > MAX_DIGITS) return `play.collect.max_digits: must be 1 to ${MAX_DIGITS}`;
  if (minDigits > maxDigits) return 'play.collect.min_digits: above max_digits';
  if (!KEYS.test(collect.terminators)) return 'play.collect.terminators: digits, * and # only';
  if (!KEYS.test(collect.singleDigitCommands)) return 'play.collect.single_digit_commands: digits, * and # only';
  if (collect.firstDigitTimeoutMs < 1) return 'play.collect.first_digit_timeout_ms: must be above 0';
  if (collect.interDigitTimeoutMs < 1) return 'play.collect.inter_digit_timeout_ms: must be above 0';
  if (seal && seal.publicKey.length !== 32) return 'play.collect.seal.public_key: must be 32 bytes';
  return undefined;
}

function bridgeProblem(legId: string, { bLegId, dial, endCode, ringbackCountry }: sw.Bridge): Problem {
  if (!LEG_ID.test(bLegId)) return 'bridge.b_leg_id: 1 to 64 of A–Z a–z 0–9 -';
  if (bLegId === legId) return 'bridge.b_leg_id: is the leg itself';
  if (!/^[0-9*#]{0,8}$/.test(endCode)) return 'bridge.end_code: up to 8 digits, * and #';
  if (!/^([A-Za-z]{2})?$/.test(ringbackCountry)) return 'bridge.ringback_country: not an ISO 3166 country';
  return dialProblem(dial, 'bridge.dial');
}
