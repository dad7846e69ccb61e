import type { Codec, CodecName } from './api.ts';

/** ITU-T G.711 A-law and µ-law by table: 256 entries to decode, 65536 to encode. */
function decodeAlaw(byte: number): number {
  const value = byte ^ 0x55;
  const exponent = (value & 0x70) >> 4;
  const mantissa = (value & 0x0f) << 4;
  const magnitude = exponent === 0 ? mantissa + 8 : (mantissa + 0x108) << (exponent - 1);
  return (value & 0x80) !== 0 ? magnitude : -magnitude;
}

function decodeUlaw(byte: number): number {
  const value = ~byte & 0xff;
  const magnitude = ((((value & 0x0f) << 3) + 0x84) << ((value & 0x70) >> 4)) - 0x84;
  return (value & 0x80) !== 0 ? -magnitude : magnitude;
}

function encodeAlaw(sample: number): number {
  const sign = sample >= 0 ? 0x80 : 0;
  // One's complement of negative samples, in 13 bits (the G.191 reference does the same).
  let magnitude = (sample >= 0 ? sample : ~sample) >> 4;
  if (magnitude > 15) {
    let exponent = 1;
    while (magnitude > 31) {
      magnitude >>= 1;
      exponent += 1;
    }
    magnitude = (magnitude - 16) | (exponent << 4);
  }
  return (magnitude | sign) ^ 0x55;
}

function encodeUlaw(sample: number): number {
  const magnitude = Math.min(sample >= 0 ? sample : -sample, 32_635) + 0x84;
  let exponent = 7;
  for (let mask = 0x4000; exponent > 0 && (magnitude & mask) === 0; mask >>= 1) exponent -= 1;
  const mantissa = (magnitude >> (exponent + 3)) & 0x0f;
  return ~((sample < 0 ? 0x80 : 0) | (exponent << 4) | mantissa) & 0xff;
}

function codec(
  name: CodecName,
  payloadType: number,
  decode: (byte: number) => number,
  encode: (sample: number) => number,
): Codec {
  const decodeTable = Int16Array.from({ length: 256 }, (_, byte) => decode(byte));
  const encodeTable = new Uint8Array(65_536);
  for (let sample = -32_768; sample < 32_768; sample += 1) encodeTable[sample & 0xffff] = encode(sample);
  return {
    name,
    payloadType,
    silence: encodeTable[0] ?? 0,
    encode(pcm, into = new Uint8Array(pcm.length)) {
      for (let i = 0; i < pcm.length; i += 1) into[i] = encodeTable[(pcm[i] as number) & 0xffff] as number;
      return into.length === pcm.length ? into : into.subarray(0, pcm.length);
    },
    decode(payload, into = new Int16Array(payload.length)) {
      for (let i = 0; i < payload.length; i += 1) into[i] = decodeTable[payload[i] as number] as number;
      return into.length === payload.length ? into : into.subarray(0, payload.length);
    },
  };
}

export const codecs: Readonly<Record<CodecName, Codec>> = {
  PCMA: codec('PCMA', 8, decodeAlaw, encodeAlaw),
  PCMU: codec('PCMU', 0, decodeUlaw, encodeUlaw),
};
