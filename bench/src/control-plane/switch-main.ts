/** A scripted switch as a process: started in place of a dev switch, with its configuration. */
import { readFileSync, rmSync } from 'node:fs';
import { Latencies } from '../support/latencies.ts';
import { controlSocket, type Load, serveLoads } from './control.ts';
import { EslServer } from './esl-server.ts';
import { type Caller, ScriptedSwitch } from './scripted-switch.ts';

const TICK_MS = 5;

interface Configuration {
  esl: { host: string; port: number; password: string };
  cdrDir: string;
}

const { esl, cdrDir } = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Configuration;

const latencies = new Latencies();
let played: ScriptedSwitch | undefined;
let triggered = 0;
const server = new EslServer(esl.password, {
  api: (line) => (line === 'status' ? 'UP' : (played?.api(line) ?? idle(line))),
  background: (line) => played?.background(line) ?? '-ERR NORMAL_TEMPORARY_FAILURE',
  execute: (...request) => played?.execute(...request),
});
await server.listen(esl.host, esl.port);

/** Answers before the first load. */
function idle(line: string): string {
  if (line === 'version') return 'FreeSWITCH Version 0.0.0-scripted';
  if (line === 'strepoch') return String(Math.floor(Date.now() / 1000));
  return line.startsWith('show') ? '{"row_count":0}' : '+OK';
}

/** Rings the access number at the wanted rate. Whoever was called back, by whichever switch, rings again from here. */
function begin({ callers, callbacks, perSecond, behaviour }: Load): void {
  const script = new ScriptedSwitch(() => server, behaviour, latencies);
  played = script;
  const free: Caller[] = [...callers];
  // The platform calls nobody twice within the cool-down, which begins when all is settled.
  script.onFree = (caller) => void setTimeout(() => free.push(caller), behaviour.restMs);
  const begun = performance.now();
  triggered = 0;
  const timer = setInterval(() => {
    const due = Math.min(callbacks, Math.floor(((performance.now() - begun) / 1000) * perSecond) + 1);
    for (; triggered < due && free.length > 0; triggered += 1) script.trigger(free.shift()!);
    if (triggered === callbacks) clearInterval(timer);
  }, TICK_MS);
}

const path = controlSocket(cdrDir);
rmSync(path, { force: true });
serveLoads(path, begin, () => ({
  triggered,
  completed: played?.completed ?? 0,
  broken: played?.broken ?? 0,
  latencies: latencies.take(),
}));
process.on('SIGTERM', () => process.exit(0));
