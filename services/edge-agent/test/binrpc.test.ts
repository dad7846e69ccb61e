import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodePacket, encodeRequest, member, RpcProtocolError } from '../src/rpc/binrpc.ts';

test('what is encoded is decoded, however it is cut into pieces', () => {
  const parameter = fc.oneof(
    fc.integer(),
    fc.string().map((s) => s.replaceAll('\0', '')),
  );
  fc.assert(
    fc.property(fc.nat(), fc.array(parameter), (cookie, parameters) => {
      const packet = encodeRequest(cookie, 'core.echo', parameters);
      for (const cut of [0, 1, 3, packet.length - 1]) assert.equal(decodePacket(packet.subarray(0, cut)), undefined);
      const decoded = decodePacket(Buffer.concat([packet, packet]));
      assert.equal(decoded?.length, packet.length);
      assert.deepEqual(decoded?.packet, { cookie, fault: false, values: ['core.echo', ...parameters] });
    }),
  );
});

test('the examples of binrpc.h', () => {
  const body = Buffer.from([
    0x20, 0x12, 0x34, 0x90, 0x02, 0x12, 0x34, 0x00, 0x11, 0x00, 0x04, 0x10, 0x07, 0x41, 0x61, 0x62, 0x63, 0x00, 0x84,
    0x03, 0x75, 0x69, 0x6e, 0x74, 0x76, 0x61, 0x6c, 0x00, 0x10, 0x03, 0x83, 0x22, 0x04, 0xd2,
  ]);
  const packet = Buffer.concat([Buffer.from([0xa1, 0x10, body.length, 0x05]), body]);
  const { values } = decodePacket(packet)?.packet ?? { values: [] };
  assert.deepEqual(values.slice(0, 5), [0x1234, 0x1234, 0, '', [7, 'abc']].slice(0, 5));
  assert.equal(member(values[5], 'intval'), 3);
  assert.equal(values[6], 1.234);
});

test('other bytes are refused, never looped over', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 4, maxLength: 60 }), (bytes) => {
      const data = Buffer.from(bytes);
      try {
        decodePacket(data);
      } catch (error) {
        assert.ok(error instanceof RpcProtocolError, String(error));
      }
      try {
        decodePacket(Buffer.concat([Buffer.from([0xa1, 0x10, bytes.length, 1]), data]));
      } catch (error) {
        assert.ok(error instanceof RpcProtocolError, String(error));
      }
    }),
  );
});
