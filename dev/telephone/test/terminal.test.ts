import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parseWav } from '@ringback/dev-media';
import { answer, MARKERS, Telephone } from '@ringback/dev-telephone';

const MAIN = new URL('../src/main.ts', import.meta.url).pathname;
const directory = mkdtempSync(join(tmpdir(), 'ringback-phone-'));
after(() => rmSync(directory, { recursive: true }));

test('the program: calls, keys, is called, saves what was heard, quits with 0', async (t) => {
  const platform = await Telephone.create({ bind: '127.0.0.10:0', edge: '127.0.1.1:9' });
  t.after(() => platform.close());
  platform.onCallTo(
    '*',
    answer(50, (call) => call.marker(MARKERS[0])),
  );
  const endpoints = join(directory, 'endpoints.json');
  writeFileSync(
    endpoints,
    JSON.stringify({ edge: { sip: platform.address }, carrier: { sip: '127.0.1.2:0' }, accessNumbers: [] }),
  );
  const child = spawn(
    process.execPath,
    [MAIN, '--endpoints', endpoints, '--from', '+48601000001', '--prompts', join(directory, 'none')],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  let output = '';
  const until = async (pattern: RegExp): Promise<RegExpExecArray> => {
    for (;;) {
      const found = pattern.exec(output);
      if (found) return found;
      const [data] = (await once(child.stdout, 'data')) as [Buffer];
      output += data.toString();
    }
  };
  const say = (line: string): void => void child.stdin.write(`${line}\n`);
  const [, address] = await until(/carrier at (\S+);/);
  say('nonsense');
  await until(/no command nonsense/);
  say('answer');
  await until(/there is no call/);
  say('call +48223000000');
  const called = await platform.expectCall('+48223000000', 5000);
  await until(/is answered/);
  assert.equal(called.from, '+48601000001');
  say('key 12#');
  await called.expectDigits('12#', 5000);
  const wav = join(directory, 'heard.wav');
  say('rule +48601000009 busy');
  say('hangup');
  assert.equal((await called.expectEnd(5000)).cause, 16);
  say(`save ${wav}`);
  await until(/ s in /);
  assert(parseWav(readFileSync(wav)).length > 1600);
  const refused = await platform.call('+48223000000', `sip:+48601000009@${address}`);
  assert.equal((await refused.expectEnd(5000)).status, 486);
  const ringing = await platform.call('+48223000000', `sip:+48601000001@${address}`);
  await ringing.expectRinging(5000);
  say('answer');
  await ringing.expectAnswered(5000);
  say('calls');
  await until(/inbound {3}\+48223000000 → \+48601000001 {2}(answered|established)/);
  say('quit');
  const [code] = await once(child, 'exit');
  assert.equal(code, 0);
  assert.equal((await ringing.expectEnd(2000)).by, 'remote');
});

test('the program without a running platform says so and fails', async () => {
  const child = spawn(process.execPath, [MAIN, '--endpoints', join(directory, 'missing.json')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let output = '';
  child.stderr.on('data', (data: Buffer) => {
    output += data.toString();
  });
  const [code] = await once(child, 'close');
  assert.equal(code, 1);
  assert.match(output, /missing\.json is not there/);
});
