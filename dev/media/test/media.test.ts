import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  BeatClock,
  busyTone,
  codecs,
  DtmfDetector,
  dtmfTone,
  FrameRelay,
  formatWav,
  goertzel,
  type MediaClock,
  MixSource,
  NoFreePort,
  openRtpSession,
  PcmSource,
  PlaybackQueue,
  PortPool,
  parseTgml,
  parseWav,
  renderTone,
  ringbackTone,
  steadyTone,
  ToneSource,
  WavError,
} from '@ringback/dev-media';

const DIGITS = '0123456789*#ABCD';

for (const codec of Object.values(codecs)) {
  test(`${codec.name}: every code survives decode and encode; every sample comes back within a step`, () => {
    const codes = Uint8Array.from({ length: 256 }, (_, i) => i);
    const again = codec.encode(codec.decode(codes));
    // µ-law has two zeros: 0x7f is written as 0xff.
    for (const code of codes) assert.equal(again[code], codec.name === 'PCMU' && code === 0x7f ? 0xff : code);
    for (let sample = -32_768; sample < 32_768; sample += 7) {
      const [back = 0] = codec.decode(codec.encode(Int16Array.of(sample)));
      assert(
        Math.abs(back - sample) <= Math.max(16, Math.abs(sample) / 16) || Math.abs(sample) > 32_000,
        `${sample} → ${back}`,
      );
    }
    assert(Math.abs(codec.decode(Uint8Array.of(codec.silence))[0] ?? 99) <= 8);
  });
}

test('G.711 known values: ITU-T G.191 codes of silence, ±1000 and full scale', () => {
  assert.deepEqual(
    [...codecs.PCMA.encode(Int16Array.of(0, 1000, -1000, 32_767, -32_768))],
    [0xd5, 0xfa, 0x7a, 0xaa, 0x2a],
  );
  assert.deepEqual(
    [...codecs.PCMU.encode(Int16Array.of(0, 1000, -1000, 32_767, -32_768))],
    [0xff, 0xce, 0x4e, 0x80, 0x00],
  );
});

test('WAV: written and read again; 16 kHz stereo is decimated; an open data size ends with the file; others are refused by name', () => {
  const samples = renderTone(steadyTone(440, 100));
  assert.deepEqual(parseWav(formatWav(samples)), samples);
  const stereo = new Int16Array(samples.length * 4);
  samples.forEach((sample, i) => stereo.set([sample, 1, sample, 1], i * 4));
  const wide = formatWav(stereo);
  wide.writeUInt16LE(2, 22);
  wide.writeUInt32LE(16_000, 24);
  wide.writeUInt32LE(0xffff_ffff, 40);
  assert.deepEqual(parseWav(wide), samples);
  const odd = formatWav(samples);
  odd.writeUInt32LE(11_025, 24);
  assert.throws(() => parseWav(odd), WavError);
  assert.throws(() => parseWav(Buffer.from('RIFFxxxxWAVE')), /no data chunk/);
});

test('tones: 425 Hz 1 s on, 4 s off; TGML as FreeSWITCH writes it', () => {
  const ring = renderTone(ringbackTone('PL'));
  assert.equal(ring.length, 40_000);
  assert(goertzel(ring, 0, 8000, 425) > 1e6);
  assert(ring.subarray(8000).every((sample) => sample === 0));
  assert.equal(renderTone(busyTone()).length, 8000);
  assert.deepEqual(parseTgml('%(1000,4000,425);loops=2')?.loops, 2);
  assert.deepEqual(parseTgml('v=-7;%(400,200,400,450);%(400,2000,400,450);loops=-1')?.tone.steps.length, 4);
  assert.equal(parseTgml('nonsense'), undefined);
});

test('in-band DTMF: every digit is heard once, through either law, at 50 ms on and off, and not in speech-like noise', () => {
  for (const codec of Object.values(codecs)) {
    let heard = '';
    const detector = new DtmfDetector((digit) => {
      heard += digit;
    });
    for (const digit of DIGITS) {
      for (const samples of [dtmfTone(digit, 50), new Int16Array(400)])
        detector.push(codec.decode(codec.encode(samples)));
    }
    assert.equal(heard, DIGITS);
  }
  let heard = '';
  const detector = new DtmfDetector((digit) => {
    heard += digit;
  });
  // Glides through the band with harmonics, as a voice does.
  const voice = new Int16Array(80_000);
  for (let i = 0; i < voice.length; i += 1) {
    const f = 120 + 60 * Math.sin(i / 3000);
    for (let k = 1; k < 12; k += 1)
      voice[i] = (voice[i] ?? 0) + (3000 / k) * Math.sin((2 * Math.PI * k * f * i) / 8000);
  }
  detector.push(voice);
  assert.equal(heard, '');
});

test('the clock keeps 50 ticks a second with late timers and makes up for a stall', () => {
  let now = 0;
  let due: { at: number; run: () => void } | undefined;
  const clock = new BeatClock({
    now: () => now,
    after(ms, run) {
      due = { at: now + ms, run };
      return () => {
        due = undefined;
      };
    },
  });
  let ticks = 0;
  const stop = clock.subscribe(() => {
    ticks += 1;
  });
  for (let i = 0; due && now < 1000; i += 1) {
    const timer: { at: number; run: () => void } = due;
    // Each timer is up to 7 ms late, one 200 ms.
    now = timer.at + (i === 20 ? 200 : i % 8);
    timer.run();
  }
  assert(Math.abs(ticks - now / 20) <= 1, `${ticks} ticks in ${now} ms`);
  stop();
  assert.equal(due, undefined);
});

test('ports: even, each once, given back, exhausted by name', () => {
  const pool = new PortPool(4001, 4006);
  assert.deepEqual([pool.take(), pool.take()], [4002, 4004]);
  assert.throws(() => pool.take(), NoFreePort);
  pool.release(4002);
  assert.equal(pool.take(), 4002);
});

test('a playback queue plays without gaps, tells each end once, and stops', () => {
  const queue = new PlaybackQueue();
  const ends: string[] = [];
  const item = (name: string, length: number) => ({
    audio: new Int16Array(length).fill(7),
    onEnd: (how: string, samples: number) => ends.push(`${name} ${how} ${samples}`),
  });
  queue.play(item('a', 200));
  queue.play(item('b', 120));
  queue.play(item('c', 1000));
  assert(queue.pull()?.every((sample) => sample === 7));
  assert(queue.pull()?.every((sample) => sample === 7));
  queue.pull();
  queue.clear();
  assert.equal(queue.pull(), undefined);
  assert.deepEqual(ends, ['a done 200', 'b done 120', 'c stopped 160']);
});

test('mixing saturates; a relay bounds its delay', () => {
  const loud = (): PcmSource => new PcmSource(new Int16Array(160).fill(30_000));
  assert(new MixSource(loud(), loud()).pull()?.every((sample) => sample === 32_767));
  assert.equal(new MixSource().pull(), undefined);
  const relay = new FrameRelay(3);
  for (let i = 1; i <= 10; i += 1) relay.push(new Int16Array(160).fill(i));
  assert.deepEqual([relay.pull()?.[0], relay.pull()?.[0], relay.pull()?.[0], relay.pull()], [8, 9, 10, undefined]);
});

/** A clock that ticks by hand. */
function handClock(): MediaClock & { tick(times?: number, late?: boolean): void } {
  const subscribers = new Set<(late: boolean) => void>();
  return {
    subscribe(run) {
      subscribers.add(run);
      return () => subscribers.delete(run);
    },
    tick(times = 1, late = false) {
      for (let i = 0; i < times; i += 1) for (const run of subscribers) run(late);
    },
  };
}

/** A session and a bare socket that plays its peer. */
async function sessionAndPeer(options: object = {}) {
  const clock = handClock();
  const pool = new PortPool(20_000, 29_998);
  const session = await openRtpSession({
    host: '127.0.0.1',
    ports: pool,
    clock,
    randomUint32: () => 0xffff_fff0,
    ...options,
  });
  const peer = createSocket('udp4');
  peer.bind(0, '127.0.0.1');
  await once(peer, 'listening');
  session.configure({ remote: { host: '127.0.0.1', port: peer.address().port } });
  const packets: Buffer[] = [];
  peer.on('message', (data) => packets.push(data));
  const got = async (count: number): Promise<Buffer[]> => {
    while (packets.length < count) await once(peer, 'message');
    return packets;
  };
  const say = (sequence: number, timestamp: number, payload: Buffer, payloadType = 8, ssrc = 1): void => {
    const header = Buffer.from([0x80, payloadType, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    header.writeUInt16BE(sequence & 0xffff, 2);
    header.writeUInt32BE(timestamp >>> 0, 4);
    header.writeUInt32BE(ssrc, 8);
    peer.send(Buffer.concat([header, payload]), session.port, '127.0.0.1');
  };
  const heard = async (count: number): Promise<void> => {
    while (session.stats.receivedPackets + session.stats.foreignPackets + session.stats.malformedPackets < count) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const end = (): void => {
    session.close(0);
    peer.close();
  };
  return { clock, session, peer, got, say, heard, end };
}

test('a stall of who writes the audio leaves no hole in it; a pause of his does', async () => {
  const { clock, session, got, end } = await sessionAndPeer({ sendSilenceWhenIdle: false });
  const frames = [1, 2].map(() => new Int16Array(160).fill(1000));
  session.source = { pull: () => frames.shift() };
  clock.tick(1);
  // Beats that are made up for: there is what was written, and then nothing.
  clock.tick(9, true);
  frames.push(new Int16Array(160));
  clock.tick(1);
  // A little late, and then a pause.
  clock.tick(3);
  frames.push(new Int16Array(160));
  clock.tick(1);
  clock.tick(11);
  frames.push(new Int16Array(160));
  clock.tick(1);
  const at = (await got(5)).map((data) => data.readUInt32BE(4));
  assert.deepEqual(
    at.map((timestamp) => (timestamp - at[0]!) >>> 0),
    [0, 1, 2, 3, 3 + 12].map((frame) => frame * 160),
  );
  end();
});

test('sending: sequence, timestamp and marker; RFC 4733 with one timestamp, growing durations and three ends; audio goes on after it', async () => {
  const { clock, session, got, end } = await sessionAndPeer();
  session.source = new ToneSource(steadyTone(1000));
  clock.tick(2);
  const done = session.sendDtmf('5', { durationMs: 60, gapMs: 40 });
  clock.tick(6);
  await done;
  const packets = (await got(8)).map((data) => ({
    type: (data[1] ?? 0) & 0x7f,
    marker: ((data[1] ?? 0) & 0x80) !== 0,
    sequence: data.readUInt16BE(2),
    timestamp: data.readUInt32BE(4),
    event: data.length === 16 ? [data[12], ((data[13] ?? 0) & 0x80) !== 0, data.readUInt16BE(14)] : undefined,
  }));
  assert.deepEqual(
    packets.map(({ type }) => type),
    [8, 8, 101, 101, 101, 101, 101, 8],
  );
  assert.deepEqual(
    packets.map(({ marker }) => marker),
    [true, false, true, false, false, false, false, true],
  );
  const [first] = packets;
  packets.forEach(({ sequence }, i) => assert.equal(sequence, ((first?.sequence ?? 0) + i) & 0xffff));
  assert.deepEqual(
    packets.slice(2, 7).map(({ event }) => event),
    [
      [5, false, 160],
      [5, false, 320],
      [5, true, 480],
      [5, true, 480],
      [5, true, 480],
    ],
  );
  assert.deepEqual(new Set(packets.slice(2, 7).map(({ timestamp }) => timestamp)).size, 1);
  assert.equal(((packets[7]?.timestamp ?? 0) - (first?.timestamp ?? 0)) >>> 0, 7 * 160);
  end();
});

test('receiving: order is restored over the wrap, doubles dropped, a loss filled with silence, packets of 30 ms cut into frames', async () => {
  const { session, say, heard, end } = await sessionAndPeer();
  const frames: number[] = [];
  session.onFrame = (frame) => frames.push(frame[0] ?? 0);
  const audio = (level: number, length = 160): Buffer =>
    Buffer.from(codecs.PCMA.encode(new Int16Array(length).fill(level)));
  const level = (wanted: number): number => codecs.PCMA.decode(codecs.PCMA.encode(Int16Array.of(wanted)))[0] ?? 0;
  say(65_534, 0, audio(1000));
  say(0, 320, audio(3000));
  say(65_535, 160, audio(2000));
  say(65_535, 160, audio(2000));
  say(2, 640, audio(5000));
  for (let i = 3; i < 6; i += 1) say(i, i * 160 + 320, audio(1000 * (i + 3)));
  say(6, 1280, audio(500, 240));
  say(7, 1520, audio(500, 240));
  await heard(10);
  assert.deepEqual(
    frames,
    [1000, 2000, 3000, 0, 5000, 6000, 7000, 8000, 500, 500, 500].map((wanted) => (wanted === 0 ? 0 : level(wanted))),
  );
  assert.deepEqual(
    [session.stats.lostPackets, session.stats.duplicatePackets, session.stats.reorderedPackets],
    [1, 1, 1],
  );
  end();
});

test('receiving RFC 4733: once each, with doubles, lost ends, repeated digits and a number of its own', async () => {
  const { session, say, heard, clock, end } = await sessionAndPeer();
  const digits: string[] = [];
  const starts: string[] = [];
  session.onDtmf = ({ digit, durationMs }) => digits.push(`${digit}${durationMs}`);
  session.onDtmfStart = (digit) => starts.push(digit);
  let sequence = 0;
  const event = (code: number, timestamp: number, duration: number, ended: boolean, type = 101): void => {
    sequence += 1;
    say(sequence, timestamp, Buffer.from([code, (ended ? 0x80 : 0) | 10, duration >> 8, duration & 0xff]), type);
  };
  for (let i = 1; i <= 5; i += 1) event(1, 1000, i * 160, false);
  for (let i = 0; i < 3; i += 1) event(1, 1000, 800, true);
  // The same digit again, no end packet arrives before the next begins.
  event(1, 3000, 160, false);
  event(1, 3000, 480, false);
  event(11, 5000, 160, false, 96);
  event(11, 5000, 320, true, 96);
  event(1, 1000, 800, true);
  event(0, 7000, 400, false);
  await heard(sequence);
  assert.deepEqual(digits, ['1100', '160', '#40']);
  const from = performance.now();
  while (performance.now() - from < 250) {
    clock.tick();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.deepEqual(digits.slice(3), ['050']);
  assert.deepEqual(starts, ['1', '1', '#', '0']);
  end();
});

test('latching: the true source is followed, a second one ignored while the first is heard; hold stops sending', async () => {
  const { session, say, heard, peer, clock, got, end } = await sessionAndPeer();
  session.configure({ remote: { host: '127.0.0.9', port: 9 } });
  say(1, 0, Buffer.alloc(160, 0xd5));
  await heard(1);
  assert.equal(session.remote?.port, peer.address().port);
  const stranger = createSocket('udp4');
  stranger.bind(0, '127.0.0.1');
  await once(stranger, 'listening');
  stranger.send(
    Buffer.concat([Buffer.from([0x80, 8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9]), Buffer.alloc(160)]),
    session.port,
    '127.0.0.1',
  );
  await heard(2);
  assert.equal(session.stats.foreignPackets, 1);
  assert.equal(session.remote?.port, peer.address().port);
  session.configure({ sending: false });
  clock.tick(3);
  assert.equal(session.stats.sentPackets, 0);
  session.configure({ sending: true });
  clock.tick();
  assert.equal((await got(1)).length, 1);
  stranger.close();
  end();
});

test('without telephone-event digits are sent as tones that the detector hears', async () => {
  const { session, clock, got, end } = await sessionAndPeer({ dtmfPayloadType: undefined });
  const done = session.sendDtmf('19#', { durationMs: 80, gapMs: 60 });
  clock.tick(30);
  await done;
  let heard = '';
  const detector = new DtmfDetector((digit) => {
    heard += digit;
  });
  for (const data of await got(30)) detector.push(codecs.PCMA.decode(data.subarray(12)));
  assert.equal(heard, '19#');
  end();
});

test('property: no datagram harms a session', async () => {
  const { session, peer, heard, end } = await sessionAndPeer();
  let sent = 0;
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 60 }), fc.boolean(), async (data, rtp) => {
      const datagram = rtp ? Buffer.concat([Buffer.from([0x80 | ((data[0] ?? 0) & 0x3f)]), data]) : Buffer.from(data);
      peer.send(datagram, session.port, '127.0.0.1');
      sent += 1;
      await heard(sent);
    }),
    { numRuns: 200 },
  );
  end();
});
