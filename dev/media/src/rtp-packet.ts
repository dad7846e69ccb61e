/** RTP fixed header (RFC 3550 section 5.1), payload without padding. */
export interface RtpPacket {
  payloadType: number;
  marker: boolean;
  sequence: number;
  timestamp: number;
  ssrc: number;
  payload: Uint8Array;
}

/** Undefined when it is no RTP version 2 packet (RTCP and STUN on the same port included). */
export function parseRtp(data: Buffer): RtpPacket | undefined {
  const first = data[0];
  const second = data[1];
  if (first === undefined || second === undefined || data.length < 12 || first >> 6 !== 2) return undefined;
  const payloadType = second & 0x7f;
  // RFC 5761 section 4: 64..95 collide with RTCP packet types.
  if (payloadType >= 64 && payloadType <= 95) return undefined;
  let start = 12 + (first & 0x0f) * 4;
  if ((first & 0x10) !== 0) {
    if (start + 4 > data.length) return undefined;
    start += 4 + data.readUInt16BE(start + 2) * 4;
  }
  const end = (first & 0x20) !== 0 ? data.length - (data[data.length - 1] as number) : data.length;
  if (start > end) return undefined;
  return {
    payloadType,
    marker: (second & 0x80) !== 0,
    sequence: data.readUInt16BE(2),
    timestamp: data.readUInt32BE(4),
    ssrc: data.readUInt32BE(8),
    payload: data.subarray(start, end),
  };
}

/** A packet with `payloadLength` bytes left to be filled in from byte 12. */
export function rtpBuffer(
  header: { payloadType: number; marker: boolean; sequence: number; timestamp: number; ssrc: number },
  payloadLength: number,
): Buffer {
  const buffer = Buffer.allocUnsafe(12 + payloadLength);
  buffer[0] = 0x80;
  buffer[1] = header.payloadType | (header.marker ? 0x80 : 0);
  buffer.writeUInt16BE(header.sequence, 2);
  buffer.writeUInt32BE(header.timestamp, 4);
  buffer.writeUInt32BE(header.ssrc, 8);
  return buffer;
}
