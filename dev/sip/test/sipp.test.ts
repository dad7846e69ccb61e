import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { type Cancelled, type Ended, type Failed, formatOffer, type InboundCall, UserAgent } from '@ringback/dev-sip';

/** SIPp is the independent peer: a mistake that both ends of our own stack share shows here. */
const directory = mkdtempSync(join(tmpdir(), 'ringback-sipp-'));
after(() => rmSync(directory, { recursive: true }));

const HOST = '127.0.0.1';
const SDP = formatOffer({ host: HOST, port: 3000 });

async function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, HOST);
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}

/** Runs SIPp to its end; its exit code is 0 when every call went as the scenario says. */
async function sipp(args: string[]): Promise<{ exit: Promise<void>; port: number }> {
  const port = await freePort();
  const child = spawn(
    'sipp',
    ['-i', HOST, '-p', String(port), '-m', '1', '-nostdin', '-timeout', '15s', '-trace_err', ...args],
    {
      cwd: directory,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let output = '';
  child.stdout.on('data', (data: Buffer) => (output += data.toString()));
  child.stderr.on('data', (data: Buffer) => (output += data.toString()));
  const exit = once(child, 'exit').then(([code]) => assert.equal(code, 0, `sipp failed:\n${output.slice(-2000)}`));
  return { exit, port };
}

function scenario(name: string, steps: string): string {
  const path = join(directory, `${name}.xml`);
  writeFileSync(
    path,
    `<?xml version="1.0" encoding="ISO-8859-1" ?>\n<scenario name="${name}">\n${steps}\n</scenario>\n`,
  );
  return path;
}

/** CANCEL and the ACK of a failure repeat the INVITE's branch: SIPp wants to know how many steps ago that was. */
const head = (stepsAgo?: number): string =>
  `Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch${stepsAgo === undefined ? '' : `-${stepsAgo}`}]`;
const IDS = 'From: <sip:sipp@[local_ip]:[local_port]>;tag=[call_number]\nCall-ID: [call_id]';
const send = (text: string, attributes = ''): string => `<send ${attributes}><![CDATA[\n\n${text}\n\n]]></send>`;
const INVITE = send(
  `INVITE sip:service@[remote_ip]:[remote_port] SIP/2.0\n${head()}\n${IDS}\nTo: <sip:service@[remote_ip]:[remote_port]>\nCSeq: 1 INVITE\nContact: sip:sipp@[local_ip]:[local_port]\nMax-Forwards: 70\nContent-Type: application/sdp\nContent-Length: [len]\n\nv=0\no=user1 53655765 2353687637 IN IP[local_ip_type] [local_ip]\ns=-\nc=IN IP[media_ip_type] [media_ip]\nt=0 0\nm=audio [media_port] RTP/AVP 0\na=rtpmap:0 PCMU/8000`,
  'retrans="500"',
);

async function agent(t: TestContext): Promise<UserAgent> {
  const made = await UserAgent.create({ host: HOST, port: 0 });
  t.after(() => made.close());
  return made;
}

test("SIPp's caller: ring, answer, BYE", async (t) => {
  const b = await agent(t);
  const arrived = once(b, 'invite') as Promise<[InboundCall]>;
  b.on('invite', (call) => {
    call.ring();
    call.answer(SDP);
  });
  const { exit } = await sipp(['-sn', 'uac', `${HOST}:${b.address.port}`, '-d', '50']);
  const [call] = await arrived;
  const ended = once(call, 'ended') as Promise<[Ended]>;
  await exit;
  assert.equal((await ended)[0].by, 'remote');
});

test("SIPp's called side: answered, then we hang up", async (t) => {
  const a = await agent(t);
  const { exit, port } = await sipp(['-sn', 'uas']);
  const call = a.invite({ uri: `sip:service@${HOST}:${port}`, from: 'sip:a@127.0.0.1', sdp: SDP });
  // SIPp may not listen yet: then nobody does, and the call is placed again.
  const seen: number[] = [];
  let placed = call;
  for (;;) {
    placed.on('provisional', ({ status }) => seen.push(status));
    const outcome = await Promise.race([
      once(placed, 'answered').then(() => 'answered'),
      once(placed, 'failed').then(() => 'failed'),
    ]);
    if (outcome === 'answered') break;
    placed = a.invite({ uri: `sip:service@${HOST}:${port}`, from: 'sip:a@127.0.0.1', sdp: SDP });
  }
  assert.deepEqual(seen, [180]);
  placed.hangup();
  await exit;
});

test('SIPp cancels while it rings here', async (t) => {
  const b = await agent(t);
  const cancelled = new Promise<Cancelled>((resolve) => {
    b.on('invite', (call) => {
      call.ring();
      call.on('cancelled', resolve);
    });
  });
  const path = scenario(
    'cancel',
    [
      INVITE,
      '<recv response="100" optional="true"/><recv response="180"/>',
      send(
        `CANCEL sip:service@[remote_ip]:[remote_port] SIP/2.0\n${head(3)}\n${IDS}\nTo: <sip:service@[remote_ip]:[remote_port]>\nCSeq: 1 CANCEL\nReason: Q.850;cause=16\nMax-Forwards: 70\nContent-Length: 0`,
      ),
      '<recv response="200"/><recv response="487"/>',
      send(
        `ACK sip:service@[remote_ip]:[remote_port] SIP/2.0\n${head(6)}\n${IDS}\n[last_To:]\nCSeq: 1 ACK\nMax-Forwards: 70\nContent-Length: 0`,
      ),
    ].join('\n'),
  );
  const { exit } = await sipp(['-sf', path, `${HOST}:${b.address.port}`]);
  await exit;
  assert.equal((await cancelled).reason?.cause, 16);
});

test('SIPp refuses with 486 and a Reason; our ACK satisfies it', async (t) => {
  const a = await agent(t);
  const path = scenario(
    'busy',
    [
      '<recv request="INVITE"/>',
      send(
        'SIP/2.0 180 Ringing\n[last_Via:]\n[last_From:]\n[last_To:];tag=s1\n[last_Call-ID:]\n[last_CSeq:]\nContent-Length: 0',
      ),
      send(
        'SIP/2.0 486 Busy Here\n[last_Via:]\n[last_From:]\n[last_To:];tag=s1\n[last_Call-ID:]\n[last_CSeq:]\nReason: Q.850;cause=17;text="User busy"\nContent-Length: 0',
        'retrans="500"',
      ),
      '<recv request="ACK"/>',
    ].join('\n'),
  );
  const { exit, port } = await sipp(['-sf', path]);
  for (;;) {
    const call = a.invite({ uri: `sip:1@${HOST}:${port}`, from: 'sip:a@127.0.0.1', sdp: SDP });
    const [failed] = (await once(call, 'failed')) as [Failed];
    if (failed.by === 'transport') continue;
    assert.deepEqual([failed.status, failed.reason?.cause, failed.reason?.text], [486, 17, 'User busy']);
    break;
  }
  await exit;
});

test('nobody listens at the port: the call fails at once on a real network, not by Timer B', async (t) => {
  const a = await agent(t);
  const port = await freePort();
  const from = performance.now();
  const call = a.invite({ uri: `sip:1@${HOST}:${port}`, from: 'sip:a@127.0.0.1', sdp: SDP });
  const [failed] = (await once(call, 'failed')) as [Failed];
  assert.deepEqual([failed.by, failed.status], ['transport', 503]);
  assert(performance.now() - from < 8000, `${performance.now() - from} ms`);
  const options = await a.options(`sip:${HOST}:${port}`);
  assert.equal(options.status, 503);
});
