import type { SwitchModel } from './model.ts';

/** One thing wrong with the model: which knob, and a sentence that says what. */
export interface Problem {
  readonly knob: string;
  readonly problem: string;
}

/** The model cannot become a configuration; `problems` names every knob at fault. */
export class SwitchConfigError extends Error {
  readonly code = 'SWITCH_CONFIG_INVALID';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map((p) => `${p.knob}: ${p.problem}`).join('; '));
    this.name = 'SwitchConfigError';
    this.problems = problems;
  }
}

const OCTET = '(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])';
const IPV4 = new RegExp(`^${OCTET}(\\.${OCTET}){3}$`);
const CIDR = new RegExp(`^${OCTET}(\\.${OCTET}){3}(/(3[0-2]|[12]?[0-9]))?$`);
const PATH = /^\/[A-Za-z0-9_./+@-]*$/;

/** @throws SwitchConfigError naming every knob at fault. */
export function validateSwitch(model: SwitchModel): void {
  const problems: Problem[] = [];
  const check = (knob: string, ok: boolean, problem: string): void => {
    if (!ok) problems.push({ knob, problem });
  };
  const integer = (knob: string, value: number, min: number, max: number): void =>
    check(
      knob,
      Number.isInteger(value) && value >= min && value <= max,
      `must be a whole number from ${min} to ${max}, not ${String(value)}`,
    );

  check('name', /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/.test(model.name), 'must be 1–63 of A–Z a–z 0–9 _ -');
  check('sip.host', IPV4.test(model.sip.host), 'must be an IPv4 address');
  integer('sip.port', model.sip.port, 1, 65_535);
  check('esl.host', model.esl.host.startsWith('127.') && IPV4.test(model.esl.host), 'must be a loopback address');
  integer('esl.port', model.esl.port, 1, 65_535);
  check('esl.password', /^[A-Za-z0-9_-]{16,128}$/.test(model.esl.password), 'must be 16–128 of A–Z a–z 0–9 _ -');
  check('rtp.host', IPV4.test(model.rtp.host), 'must be an IPv4 address');
  for (const knob of ['sip', 'rtp'] as const) {
    const { advertise } = model[knob];
    check(`${knob}.advertise`, advertise === undefined || IPV4.test(advertise), 'must be an IPv4 address');
  }
  integer('rtp.from', model.rtp.from, 1024, 65_534);
  integer('rtp.to', model.rtp.to, 1026, 65_535);
  check('rtp.from', model.rtp.from % 2 === 0, 'must be even: RTP ports are (RFC 3550 11)');
  check(
    'rtp.to',
    model.rtp.to - model.rtp.from + 1 >= 2 * model.maxSessions,
    `leaves ${Math.max(0, Math.floor((model.rtp.to - model.rtp.from + 1) / 2))} port pairs for ${model.maxSessions} sessions`,
  );
  check('edges', model.edges.length > 0, 'must name at least one edge: everyone could call otherwise');
  for (const edge of model.edges) check('edges', CIDR.test(edge), `${JSON.stringify(edge)} is no IPv4 address or CIDR`);
  integer('maxSessions', model.maxSessions, 1, 10_000);
  integer('sessionsPerSecond', model.sessionsPerSecond, 2, 10_000);
  check('soundsDir', PATH.test(model.soundsDir), 'must be an absolute path of A–Z a–z 0–9 _ . / + @ -');
  check(
    'gatewaysDir',
    model.gatewaysDir === undefined || PATH.test(model.gatewaysDir),
    'must be an absolute path of A–Z a–z 0–9 _ . / + @ -',
  );
  check('cdrDir', PATH.test(model.cdrDir), 'must be an absolute path of A–Z a–z 0–9 _ . / + @ -');
  check('codecs', model.codecs.length > 0, 'must name at least one codec');
  check('codecs', new Set(model.codecs).size === model.codecs.length, 'names one twice');
  for (const codec of model.codecs) {
    check('codecs', ['PCMU', 'PCMA', 'G722', 'OPUS'].includes(codec), `${codec} is not one of PCMU, PCMA, G722, OPUS`);
  }
  integer('sessionTimers.minSe', model.sessionTimers.minSe, 90, 3600);
  integer('sessionTimers.sessionExpires', model.sessionTimers.sessionExpires, model.sessionTimers.minSe, 86_400);
  integer('mediaTimeout', model.mediaTimeout, 10, 86_400);
  check('logLevel', ['crit', 'err'].includes(model.logLevel), `must be crit or err, not ${model.logLevel}`);
  if (problems.length > 0) throw new SwitchConfigError(problems);
}
