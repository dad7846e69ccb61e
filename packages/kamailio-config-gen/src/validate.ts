import { type Ipv4Range, overlaps, parseHostPort, parseIpv4, parseSource } from './address.ts';
import type { EdgeModel, EdgeState } from './model.ts';

/** One thing wrong with the configuration: which knob, and a sentence that says what is wrong with it. */
export interface Problem {
  readonly knob: string;
  readonly problem: string;
}

/** The model cannot become a configuration; `problems` names every knob at fault. */
export class EdgeConfigError extends Error {
  readonly code = 'EDGE_CONFIG_INVALID';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map((p) => `${p.knob}: ${p.problem}`).join('; '));
    this.name = 'EdgeConfigError';
    this.problems = problems;
  }
}

const TRUNK_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;
const SAFE_PATH = /^\/[A-Za-z0-9_./+@-]*$/;
const E164 = /^\+[1-9][0-9]{3,14}$/;

/** Longest path of a unix socket that fits sockaddr_un with the name of the socket added. */
const MAX_RUN_DIR = 80;

class Checks {
  readonly problems: Problem[] = [];

  check(knob: string, ok: boolean, problem: string): boolean {
    if (!ok) this.problems.push({ knob, problem });
    return ok;
  }

  integer(knob: string, value: number, min: number, max: number): void {
    const ok = Number.isInteger(value) && value >= min && value <= max;
    this.check(knob, ok, `must be a whole number from ${min} to ${max}, not ${String(value)}`);
  }

  oneOf(knob: string, value: string | number, allowed: readonly (string | number)[]): void {
    this.check(knob, allowed.includes(value), `must be one of ${allowed.join(', ')}, not ${JSON.stringify(value)}`);
  }

  throwIfAny(): void {
    if (this.problems.length > 0) throw new EdgeConfigError(this.problems);
  }
}

/** @throws EdgeConfigError naming every knob at fault. */
export function validateModel(model: EdgeModel): void {
  const c = new Checks();
  c.check('id', TRUNK_ID.test(model.id), 'must be 1–63 of A–Z a–z 0–9 _ -');
  for (const knob of ['listen', 'advertise'] as const) {
    c.check(`${knob}.host`, parseIpv4(model[knob].host) !== undefined, 'must be an IPv4 address such as 192.0.2.1');
    c.integer(`${knob}.port`, model[knob].port, 1, 65_535);
  }
  c.check('advertise.host', model.advertise.host !== '0.0.0.0', 'must be an address that peers can reach');
  c.integer('workers', model.workers, 1, 16);
  c.integer('sharedMemoryMiB', model.sharedMemoryMiB, 16, 4096);
  c.integer('privateMemoryMiB', model.privateMemoryMiB, 2, 256);
  c.integer('registration.checkSeconds', model.registration.checkSeconds, 1, 60);
  c.integer('registration.retrySeconds', model.registration.retrySeconds, 1, 3600);
  for (const knob of ['configDir', 'runDir'] as const) {
    const path = model.paths[knob];
    c.check(`paths.${knob}`, SAFE_PATH.test(path), 'must be an absolute path of A–Z a–z 0–9 _ . / + @ -');
  }
  c.check(
    'paths.runDir',
    Buffer.byteLength(model.paths.runDir) <= MAX_RUN_DIR,
    `must be at most ${MAX_RUN_DIR} bytes long: the control socket's path has to fit sockaddr_un`,
  );
  c.check('dialogSecret', /^[A-Za-z0-9]{32,128}$/.test(model.dialogSecret), 'must be 32–128 of A–Z a–z 0–9');
  c.oneOf('unknownSources', model.unknownSources, ['drop', 'forbid']);
  c.integer('maxMessageBytes', model.maxMessageBytes, 1024, 65_535);
  c.integer('unknownSourceLimit.requests', model.unknownSourceLimit.requests, 1, 10_000);
  c.integer('unknownSourceLimit.perSeconds', model.unknownSourceLimit.perSeconds, 1, 60);
  c.integer('unknownSourceLimit.banSeconds', model.unknownSourceLimit.banSeconds, 1, 86_400);
  c.integer('trunkRequestsPerSecond', model.trunkRequestsPerSecond, 1, 100_000);
  c.integer('timers.switchReplyMs', model.timers.switchReplyMs, 500, 10_000);
  c.integer('timers.trunkReplyMs', model.timers.trunkReplyMs, 500, 30_000);
  c.integer('timers.finalReplyMs', model.timers.finalReplyMs, 30_000, 600_000);
  c.integer('probeIntervalSeconds', model.probeIntervalSeconds, 0, 3600);
  c.oneOf('logLevel', model.logLevel, ['error', 'warn', 'notice', 'info']);
  c.throwIfAny();
}

/** @throws EdgeConfigError naming every entry at fault, `trunks[<id>].sources` and the like. */
export function validateState(state: EdgeState): void {
  const c = new Checks();
  checkTrunks(c, state);
  const numbers = new Set<string>();
  for (const [index, access] of state.accessNumbers.entries()) {
    const knob = `accessNumbers[${index}]`;
    c.check(`${knob}.number`, E164.test(access.number), 'must be E.164 with +, 4 to 15 digits');
    c.check(`${knob}.number`, !numbers.has(access.number), 'stands there twice');
    numbers.add(access.number);
    c.oneOf(`${knob}.mode`, access.mode, ['callback', 'direct']);
    c.integer(`${knob}.ringTimeMs`, access.ringTimeMs, 1000, 60_000);
    c.oneOf(`${knob}.rejectWith`, access.rejectWith, [486, 480, 603]);
  }
  checkSwitches(c, state);
  c.throwIfAny();
}

function checkTrunks(c: Checks, state: EdgeState): void {
  const ids = new Set<string>();
  const gateways = new Map<string, string>();
  const ranges: { readonly trunk: string; readonly text: string; readonly range: Ipv4Range }[] = [];
  for (const trunk of state.trunks) {
    const knob = `trunks[${trunk.id}]`;
    c.check(`${knob}.id`, TRUNK_ID.test(trunk.id), 'must be 1–63 of A–Z a–z 0–9 _ -');
    c.check(`${knob}.id`, !ids.has(trunk.id), 'stands there twice');
    ids.add(trunk.id);
    const anyAddress = trunk.sources.length + trunk.gateways.length > 0;
    c.check(`${knob}.sources`, anyAddress, 'a trunk without sources and gateways can carry nothing');
    c.check(`${knob}.country`, /^[A-Z]{2}$/.test(trunk.country), 'must be an ISO 3166-1 alpha-2 code such as PL');
    c.oneOf(`${knob}.identity`, trunk.identity, ['pai', 'rpid', 'from']);
    c.oneOf(`${knob}.diversion`, trunk.diversion, ['mark', 'ignore']);
    c.integer(`${knob}.callsPerSecond.inbound`, trunk.callsPerSecond.inbound, 0, 10_000);
    c.integer(`${knob}.callsPerSecond.outbound`, trunk.callsPerSecond.outbound, 0, 10_000);
    for (const text of trunk.sources) {
      const range = parseSource(text);
      if (range === undefined) {
        c.check(`${knob}.sources`, false, `${JSON.stringify(text)} is no IPv4 address, CIDR or address:port`);
        continue;
      }
      const other = ranges.find((r) => r.trunk !== trunk.id && overlaps(r.range, range));
      c.check(`${knob}.sources`, other === undefined, `${text} is also in ${other?.text} of trunk ${other?.trunk}`);
      ranges.push({ trunk: trunk.id, text, range });
    }
    for (const gateway of trunk.gateways) {
      const known = gateways.get(gateway.toLowerCase());
      c.check(`${knob}.gateways`, parseHostPort(gateway) !== undefined, `${JSON.stringify(gateway)} is no host:port`);
      c.check(`${knob}.gateways`, known === undefined, `${gateway} belongs to trunk ${known} as well`);
      gateways.set(gateway.toLowerCase(), trunk.id);
    }
  }
}

function checkSwitches(c: Checks, state: EdgeState): void {
  const ids = new Set<string>();
  const addresses = new Set<string>();
  for (const entry of state.switches) {
    const knob = `switches[${entry.id}]`;
    c.check(`${knob}.id`, TRUNK_ID.test(entry.id), 'must be 1–63 of A–Z a–z 0–9 _ -');
    c.check(`${knob}.id`, !ids.has(entry.id), 'stands there twice');
    ids.add(entry.id);
    const address = parseHostPort(entry.address);
    const literal = address !== undefined && parseIpv4(address.host) !== undefined;
    c.check(`${knob}.address`, literal, 'must be an IPv4 address and port such as 192.0.2.1:5080');
    c.check(`${knob}.address`, !addresses.has(entry.address), `${entry.address} stands there twice`);
    addresses.add(entry.address);
    c.oneOf(`${knob}.state`, entry.state, ['active', 'inactive', 'disabled']);
  }
}
