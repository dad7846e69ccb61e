import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InboundCall } from '@ringback/dev-sip';
import { GARBAGE, MALFORMED, RawPeer, request, token } from './hostile-sip.ts';
import { CALLBACK, CALLER, DESTINATION, type HostileWorld, STRANGER, WAIT } from './hostile-world.ts';

/** What strangers and carriers may send to the edge and the switches. */
export function sipTests(hostile: () => HostileWorld): void {
  test('malformed and oversized requests of a trunk are refused, one by one', () =>
    hostile().withPeer(hostile().carrierHost, async (peer) => {
      for (const [what, spoil, status] of MALFORMED) {
        const callId = token();
        await peer.send(spoil(request({ uri: hostile().accessUri, from: peer.address, callId })));
        assert.equal(await peer.final(callId), status, what);
      }
    }));

  test('garbage from anybody is survived', async () => {
    const before = hostile().pids;
    for (const host of [STRANGER, hostile().carrierHost, hostile().untrustedHost]) {
      await hostile().withPeer(host, async (peer) => {
        for (const text of GARBAGE) await peer.send(text);
      });
    }
    await hostile().anotherCallWorks();
    assert.deepEqual(hostile().pids, before, 'nothing was restarted');
  });

  test('a stranger gets no answer, however much he sends, and a trunk is served meanwhile', () =>
    hostile().withPeer(STRANGER, async (peer) => {
      const sessions = (await hostile().world.sessions()).length;
      let flooding = true;
      const flood = (async () => {
        for (let sent = 0; flooding; sent += 1) {
          const method = sent % 3 === 0 ? 'OPTIONS' : 'INVITE';
          await peer.send(request({ method, uri: hostile().accessUri, from: peer.address }));
          if (sent % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 10));
        }
      })();
      await hostile().anotherCallWorks();
      flooding = false;
      await flood;
      assert.deepEqual(peer.received(), []);
      assert.equal((await hostile().world.sessions()).length, sessions + 1, 'only the real call has a session');
    }));

  test('nobody but the edge gets a call out of a switch', async () => {
    for (const { sip } of hostile().world.endpoints.switches) {
      const peer = await RawPeer.open(STRANGER, sip);
      const callId = token();
      const headers = ['X-Ringback-Access-Number: +48223000000', `X-Ringback-Caller: ${CALLER}`];
      await peer.send(request({ uri: `sip:${CALLBACK}@${sip}`, from: peer.address, callId, headers }));
      assert.equal(await peer.final(callId), 403);
      await peer.close();
    }
  });

  test('a spoofed BYE or re-INVITE into a live call changes nothing', async () => {
    const { a, b } = hostile();
    for (const { sip } of [a, b]) {
      const { request: invite, callId, localTag: tag } = sip as InboundCall;
      const one = (name: string): string => invite.headers.get(name) ?? '';
      const [contact = ''] = /(?<=<)sip:[^>]+/.exec(one('Contact')) ?? [];
      const route = one('Record-Route');
      const spoofed = (method: string, from: string, headers: string[]): string =>
        request({
          method,
          uri: contact,
          from,
          callId,
          cseq: 900,
          fromHeader: `${one('To').replace(/;tag=.*/, '')};tag=${tag}`,
          toHeader: one('From'),
          headers,
        });
      const forged = route.replace(/call=[0-9a-f]+/, `call=${'0'.repeat(32)}`);
      assert.notEqual(forged, route, 'the route is signed');
      for (const method of ['BYE', 'INVITE', 'UPDATE']) {
        await hostile().withPeer(STRANGER, async (peer) => {
          await peer.send(spoofed(method, peer.address, [`Route: ${route}`]));
          await peer.send(spoofed(method, peer.address, []));
          // What comes after it was answered: the edge is through with those before.
          await hostile().withPeer(hostile().carrierHost, async (known) => {
            const after = token();
            await known.send(
              request({ method: 'OPTIONS', uri: hostile().accessUri, from: known.address, callId: after }),
            );
            assert.equal(await known.final(after), 200);
          });
          assert.deepEqual(peer.received(), [], `${method} of a stranger`);
        });
        for (const headers of [[], [`Route: ${forged}`]]) {
          await hostile().withPeer(hostile().untrustedHost, async (peer) => {
            await peer.send(spoofed(method, peer.address, headers));
            assert.equal(await peer.final(callId), 403, `${method} of another trunk`);
          });
        }
      }
    }
    await hostile().stillTalking();
  });

  test('headers of our own from a carrier have no effect, and none leaves towards it', async () => {
    const { caller, pin } = await hostile().world.customer({ micros: 1_000_000n });
    const trace = 'f'.repeat(32);
    const mine = { 'X-Ringback-Caller': CALLER, 'X-Ringback-Trusted': '1', 'X-Ringback-Mode': 'direct' };
    const more = { 'X-Ringback-Hidden': '0', 'X-Ringback-Trunk': 'carrier', 'X-Ringback-Ring-Time': '60' };
    const headers = Object.entries({ ...mine, ...more, 'X-Traceparent': `00-${trace}-${'e'.repeat(16)}-01` });
    const trigger = await hostile().world.untrusted.call(caller, CALLBACK, { headers });
    const { status } = await trigger.expectEnd(WAIT);
    assert.equal(status, 486, 'callback mode, not direct');
    const callback = await hostile().world.phone.expectCall(caller, WAIT);
    callback.answer();
    await callback.expectPrompt('ask_pin', WAIT, { until: 'start' });
    await callback.key(`${pin}#`);
    await callback.expectPrompt('ask_destination', WAIT, { until: 'start' });
    await callback.key(`00${DESTINATION.slice(1)}#`);
    const far = await hostile().world.phone.expectCall(DESTINATION, WAIT);
    await far.expectAnswered(WAIT);
    callback.hangup();
    await far.expectEnd(WAIT);
    assert.deepEqual(hostile().leaked, []);
    const [session] = (await hostile().world.sessions()).filter(({ callerId }) => callerId === caller);
    assert.ok(session, 'the session is the caller’s own');
    assert.notEqual(session.traceId, trace);
  });
}
