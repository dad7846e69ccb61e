import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import {
  anyPort,
  formatWav,
  goertzel,
  openRtpSession,
  type RtpSession,
  renderTone,
  steadyTone,
} from '@ringback/dev-media';
import {
  answerOffer,
  formatOffer,
  type InboundCall,
  type OutboundCall,
  readAnswer,
  UserAgent,
} from '@ringback/dev-sip';
import { parseConfig, type RunningSwitch, silentLog, startSwitch } from '../src/index.ts';
import { EslClient, type EslEvent, eventHeader } from './support/esl-client.ts';

/** What the road uses and the recordings show only in part: sound, headers, sources, limits, the CDR. */

const folder = mkdtempSync(join(tmpdir(), 'dev-switch-road-'));
const EDGE = '127.0.0.10';
let running: RunningSwitch;
let edge: UserAgent;
let esl: EslClient;
let events: EslEvent[] = [];
let changed: () => void = () => undefined;
const open: RtpSession[] = [];

before(() => {
  for (const [name, hz, ms] of [
    ['low', 400, 2000],
    ['high', 1000, 2000],
  ] as const)
    writeFileSync(join(folder, `${name}.wav`), formatWav(renderTone(steadyTone(hz, ms))));
});
after(() => rmSync(folder, { recursive: true }));

beforeEach(async () => {
  running = await startSwitch(
    parseConfig({
      name: 's1',
      sip: { host: '127.0.0.1', port: 0, profile: 'ringback' },
      esl: { host: '127.0.0.1', port: 0, password: 'secret' },
      rtp: { from: 61_000, to: 61_400 },
      edges: [EDGE],
      soundsDir: folder,
      cdrDir: join(folder, 'cdr'),
    }),
    silentLog,
  );
  edge = await UserAgent.create({ host: EDGE, port: 0 });
  events = [];
  esl = await EslClient.open(running.esl.port);
  esl.onEvent = (event) => {
    events.push(event);
    changed();
  };
  await esl.send('auth secret');
  await esl.send('event plain ALL');
});

afterEach(async () => {
  esl.close();
  for (const rtp of open.splice(0)) rtp.close(0);
  await edge.close(100);
  await running.stop();
});

/** The first event of that name (and channel) that has been or will be. */
async function event(name: string, match: (event: EslEvent) => boolean = () => true): Promise<EslEvent> {
  const deadline = performance.now() + 8000;
  for (;;) {
    const found = events.find((each) => eventHeader(each, 'Event-Name') === name && match(each));
    if (found !== undefined) return found;
    assert.ok(
      performance.now() < deadline,
      `no ${name}; there were ${events.map((each) => eventHeader(each, 'Event-Name')).join(' ')}`,
    );
    await Promise.race([
      new Promise<void>((resolve) => (changed = resolve)),
      new Promise((resolve) => setTimeout(resolve, 500).unref()),
    ]);
  }
}

const of = (uuid: string) => (each: EslEvent) => eventHeader(each, 'Unique-ID') === uuid;

function execute(uuid: string, app: string, data = ''): Promise<unknown> {
  return esl.send(
    `sendmsg ${uuid}\ncall-command: execute\nexecute-app-name: ${app}${data === '' ? '' : `\nexecute-app-arg: ${data}`}`,
  );
}

interface Phone {
  call: InboundCall | OutboundCall;
  rtp: RtpSession;
  heard: number[];
}

/** Strength of a frequency in the last 100 ms heard, relative to full scale. */
function level(phone: Phone, hz: number): number {
  const samples = Int16Array.from(phone.heard.slice(-800));
  return samples.length < 800 ? 0 : Math.sqrt(goertzel(samples, 0, 800, hz)) / 32_767;
}

async function hears(phone: Phone, what: string, check: () => boolean): Promise<void> {
  const deadline = performance.now() + 4000;
  while (!check()) {
    assert.ok(performance.now() < deadline, `${what}: 400 Hz ${level(phone, 400)}, 1000 Hz ${level(phone, 1000)}`);
    await new Promise<void>((resolve) => (phone.rtp.onFrame = (frame) => resolve(void phone.heard.push(...frame))));
  }
  phone.rtp.onFrame = (frame) => phone.heard.push(...frame);
}

async function phoneFor(call: InboundCall | OutboundCall): Promise<Phone> {
  const rtp = await openRtpSession({ host: EDGE, ports: anyPort });
  open.push(rtp);
  const phone: Phone = { call, rtp, heard: [] };
  rtp.onFrame = (frame) => phone.heard.push(...frame);
  return phone;
}

/** Answers a call of the switch. */
async function answered(user: string): Promise<Phone> {
  const [call] = (await once(edge, 'invite')) as [InboundCall];
  assert.equal(call.calledUser, user);
  const phone = await phoneFor(call);
  const result = answerOffer(call.remoteSdp ?? '', { host: EDGE, port: phone.rtp.port });
  assert.ok(result !== undefined);
  phone.rtp.configure(result.negotiated);
  call.ring();
  call.answer(result.sdp);
  return phone;
}

function invite(headers: [string, string][], user = '48223000000'): OutboundCall {
  return edge.invite({
    uri: `sip:${user}@${running.sip.host}:${running.sip.port}`,
    from: `<sip:48601000001@${EDGE}>`,
    sdp: formatOffer({ host: EDGE, port: 40_000 }),
    headers,
  });
}

/** A: originated and parked. */
async function parked(variables = ''): Promise<{ uuid: string; phone: Phone }> {
  const uuid = '00000000-0000-4000-8000-00000000000a';
  const ringing = answered('48601000001');
  await esl.send(
    `bgapi originate {origination_uuid=${uuid},origination_caller_id_number=48223000000,ignore_early_media=true,sip_h_X-Traceparent=00-1${variables}}sofia/ringback/48601000001@${EDGE}:${edge.address.port} &park()`,
  );
  const phone = await ringing;
  await event('CHANNEL_PARK', of(uuid));
  return { uuid, phone };
}

describe('inbound', () => {
  test('a trigger rings and is rejected by the switch itself', { timeout: 15_000 }, async () => {
    const call = invite([
      ['X-Ringback-Mode', 'callback'],
      ['X-Ringback-Ring-Time', '2'],
      ['X-Ringback-Reject', 'USER_BUSY'],
      ['X-Ringback-Session', 'abc'],
    ]);
    const [provisional] = (await once(call, 'provisional')) as [{ status: number }];
    assert.equal(provisional.status, 180);
    const started = performance.now();
    const park = await event('CHANNEL_PARK');
    assert.equal(eventHeader(park, 'variable_sip_h_X-Ringback-Session'), 'abc');
    assert.equal(eventHeader(park, 'Caller-Destination-Number'), '48223000000');
    assert.equal(eventHeader(park, 'Caller-Caller-ID-Number'), '48601000001');
    const [failed] = (await once(call, 'failed')) as [{ status: number; reason: { value: string } }];
    assert.equal(failed.status, 486);
    assert.equal(failed.reason.value, 'Q.850;cause=17;text="USER_BUSY"');
    const seconds = (performance.now() - started) / 1000;
    // Seen from here, on a machine that may be busy.
    assert.ok(seconds > 0.5 && seconds < 6, `fired after ${seconds} s`);
    const end = await event('CHANNEL_HANGUP_COMPLETE');
    const uuid = eventHeader(end, 'Unique-ID') ?? '';
    const cdr = JSON.parse(readFileSync(join(folder, 'cdr', `${uuid}.cdr.json`), 'utf8')) as {
      variables: Record<string, string>;
    };
    assert.equal(cdr.variables['hangup_cause'], 'USER_BUSY');
    assert.equal(cdr.variables['uuid'], uuid);
    assert.match(cdr.variables['start_uepoch'] ?? '', /^\d{16}$/);
  });

  test('a caller who cancels first ends it', async () => {
    const call = invite([
      ['X-Ringback-Mode', 'callback'],
      ['X-Ringback-Ring-Time', '12'],
      ['X-Ringback-Reject', 'USER_BUSY'],
    ]);
    await event('CHANNEL_PARK');
    call.cancel();
    const end = await event('CHANNEL_HANGUP_COMPLETE');
    assert.equal(eventHeader(end, 'Hangup-Cause'), 'ORIGINATOR_CANCEL');
    assert.equal(eventHeader(end, 'variable_sip_hangup_disposition'), 'recv_cancel');
  });

  test('without a mode, with a bad one, from elsewhere, and when paused: refused', async () => {
    const status = async (call: OutboundCall): Promise<number> =>
      ((await once(call, 'failed')) as [{ status: number }])[0].status;
    assert.equal(await status(invite([])), 403);
    assert.equal(
      await status(
        invite([
          ['X-Ringback-Mode', 'callback'],
          ['X-Ringback-Ring-Time', '0'],
          ['X-Ringback-Reject', 'USER_BUSY'],
        ]),
      ),
      403,
    );
    const stranger = await UserAgent.create({ host: '127.0.0.66', port: 0 });
    const call = stranger.invite({
      uri: `sip:1@${running.sip.host}:${running.sip.port}`,
      from: '<sip:1@127.0.0.66>',
      sdp: formatOffer({ host: '127.0.0.66', port: 40_000 }),
    });
    assert.equal(await status(call), 403);
    await stranger.close(0);
    const probe = (): Promise<number> =>
      edge.options(`sip:${running.sip.host}:${running.sip.port}`).then((response) => response.status);
    assert.equal(await probe(), 200);
    assert.equal((await esl.send('api fsctl pause inbound')).text, '+OK\n');
    assert.equal(await probe(), 503);
    assert.equal(await status(invite([['X-Ringback-Mode', 'direct']])), 503);
    await esl.send('api fsctl resume inbound');
    assert.equal(await probe(), 200);
  });

  test('direct mode: answered from above, heard, hung up', async () => {
    const call = invite([['X-Ringback-Mode', 'direct']]);
    const phone = await phoneFor(call);
    const park = await event('CHANNEL_PARK');
    const uuid = eventHeader(park, 'Unique-ID') ?? '';
    const answer = once(call, 'answered') as Promise<[{ sdp: string }]>;
    assert.equal((await esl.send(`api uuid_answer ${uuid}`)).text, '+OK\n');
    const [{ sdp }] = await answer;
    phone.rtp.configure(readAnswer(sdp) ?? {});
    assert.equal((await esl.send(`api sched_del ${uuid}`)).text, '+OK Deleted: 1\n');
    call.hangup();
    assert.equal(
      eventHeader(await event('CHANNEL_HANGUP_COMPLETE', of(uuid)), 'variable_sip_hangup_disposition'),
      'recv_bye',
    );
  });
});

describe('a parked leg', () => {
  test('hears prompts from the sounds folder; uuid_break ends them; digits are told', async () => {
    const { uuid, phone } = await parked();
    assert.equal(phone.call.request.headers.get('X-Traceparent'), '00-1');
    await execute(uuid, 'playback', 'file_string://low.wav!high.wav');
    await hears(phone, 'the first file', () => level(phone, 400) > 0.05);
    await hears(phone, 'the second file', () => level(phone, 1000) > 0.05 && level(phone, 400) < 0.01);
    await esl.send(`api uuid_break ${uuid} all`);
    const complete = await event('CHANNEL_EXECUTE_COMPLETE', (each) => eventHeader(each, 'Application') === 'playback');
    assert.equal(eventHeader(complete, 'Application-Response'), 'FILE PLAYED');
    void phone.rtp.sendDtmf('7#');
    await event('DTMF', (each) => eventHeader(each, 'DTMF-Digit') === '7');
    await event('DTMF', (each) => eventHeader(each, 'DTMF-Digit') === '#');
    const info = phone.call.infoDtmf('5', 160);
    await event('DTMF', (each) => eventHeader(each, 'DTMF-Digit') === '5');
    assert.equal((await info).status, 200);
  });

  test('sends silence while it waits', async () => {
    const { phone } = await parked();
    await hears(phone, 'any packet', () => phone.rtp.stats.receivedPackets > 10);
    assert.equal(level(phone, 400), 0);
  });

  test('bridge: both hear each other, a warning is mixed for A only, #11 is swallowed, A stays', {
    timeout: 20_000,
  }, async () => {
    const { uuid, phone } = await parked();
    const b = '00000000-0000-4000-8000-00000000000b';
    await execute(uuid, 'set', 'continue_on_fail=true');
    await execute(
      uuid,
      'bind_digit_action',
      'incall,#11,exec[i]:event,Event-Name=CUSTOM\\,Event-Subclass=ringback::endcode',
    );
    await execute(uuid, 'digit_action_set_realm', 'incall');
    const ringing = answered('48221112233');
    await execute(
      uuid,
      'bridge',
      `[origination_uuid=${b},execute_on_answer='sched_hangup +60 ALLOTTED_TIMEOUT']sofia/ringback/48221112233@far.example;fs_path=sip:${EDGE}:${edge.address.port}`,
    );
    const far = await ringing;
    assert.match(far.call.request.uri, /@far\.example/);
    await event('CHANNEL_BRIDGE', of(uuid));
    const schedule = await event('ADD_SCHEDULE', (each) => eventHeader(each, 'Task-Group') === b);
    far.rtp.source = tone(400);
    await hears(phone, 'B', () => level(phone, 400) > 0.05);
    phone.rtp.source = tone(1000);
    await hears(far, 'A', () => level(far, 1000) > 0.05);
    phone.rtp.source = undefined;
    assert.equal(
      (await esl.send(`api uuid_displace ${uuid} start ${join(folder, 'high.wav')} 0 mux`)).text,
      '+OK Success\n',
    );
    await hears(phone, 'the warning over B', () => level(phone, 1000) > 0.02 && level(phone, 400) > 0.02);
    await hears(far, 'nothing of the warning', () => level(far, 1000) < 0.005);
    let digitsAtB = '';
    far.rtp.onDtmfStart = (digit) => {
      digitsAtB += digit;
    };
    void phone.rtp.sendDtmf('#11');
    await event('CUSTOM', (each) => eventHeader(each, 'Event-Subclass') === 'ringback::endcode' && of(uuid)(each));
    assert.equal((await esl.send(`api sched_del ${eventHeader(schedule, 'Task-ID')}`)).text, '+OK Deleted: 1\n');
    await esl.send(`api uuid_kill ${b}`);
    await event('CHANNEL_EXECUTE_COMPLETE', (each) => eventHeader(each, 'Application') === 'bridge');
    assert.equal(digitsAtB, '');
    assert.equal((await esl.send(`api uuid_exists ${uuid}`)).text, 'true');
    const channels = JSON.parse((await esl.send('api show channels as json')).text) as {
      rows: { uuid: string; callstate: string }[];
    };
    assert.deepEqual(
      channels.rows.filter((row) => row.uuid === uuid).map((row) => row.callstate),
      ['ACTIVE'],
    );
  });

  test('whose telephone falls silent is hung up after media_timeout milliseconds', async () => {
    const { uuid, phone } = await parked(',media_timeout=1200');
    phone.rtp.configure({ sending: false });
    const end = await event('CHANNEL_HANGUP_COMPLETE', of(uuid));
    assert.equal(eventHeader(end, 'Hangup-Cause'), 'MEDIA_TIMEOUT');
    assert.equal(eventHeader(end, 'variable_sip_hangup_disposition'), 'send_bye');
  });

  test('a busy far end leaves A parked, with the reason', async () => {
    const { uuid } = await parked();
    await execute(uuid, 'set', 'continue_on_fail=true');
    edge.once('invite', (call: InboundCall) => call.reject(486));
    await execute(uuid, 'bridge', `sofia/ringback/1@${EDGE}:${edge.address.port}`);
    const complete = await event('CHANNEL_EXECUTE_COMPLETE', (each) => eventHeader(each, 'Application') === 'bridge');
    assert.equal(eventHeader(complete, 'variable_originate_disposition'), 'USER_BUSY');
    assert.equal(eventHeader(complete, 'variable_last_bridge_hangup_cause'), 'USER_BUSY');
    assert.equal((await esl.send(`api uuid_exists ${uuid}`)).text, 'true');
  });
});

test('stopping hangs calls up and says goodbye', async () => {
  const { phone } = await parked();
  const bye = once(phone.call, 'ended') as Promise<[{ by: string; reason: { text: string } }]>;
  await running.stop();
  const [ended] = await bye;
  assert.equal(ended.by, 'remote');
  assert.equal(ended.reason.text, 'SYSTEM_SHUTDOWN');
  await esl.closed;
  assert.equal(esl.disconnectNotice, true);
});

function tone(hz: number): { pull(): Int16Array } {
  let at = 0;
  return {
    pull() {
      const frame = Int16Array.from({ length: 160 }, (_unused, i) =>
        Math.round(6000 * Math.sin((2 * Math.PI * hz * (at + i)) / 8000)),
      );
      at += 160;
      return frame;
    },
  };
}
