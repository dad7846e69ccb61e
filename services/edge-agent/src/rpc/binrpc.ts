/**
 * BINRPC, the protocol of Kamailio's module ctl (src/modules/ctl/binrpc.h). It goes over a unix stream socket, which
 * Node can open; the datagram socket of the module jsonrpcs it cannot.
 *
 * Packet: magic and version, type with the sizes of the two numbers that follow, body length, cookie, body.
 * Record: one byte `long form | size | type`, the size where it does not fit, the value.
 */
export type Value = number | string | Struct | readonly Value[];

/** Named values in order; a name may stand there more than once (`DEST` in dispatcher.list). */
export interface Struct {
  readonly members: readonly (readonly [string, Value])[];
}

export type Parameter = number | string;

/** Kamailio answered a fault: its code (500, 404, …) and words. */
export class RpcFault extends Error {
  readonly code: number;

  constructor(method: string, code: number, reason: string) {
    super(`${method}: ${code} ${reason}`);
    this.name = 'RpcFault';
    this.code = code;
  }
}

/** Bytes that are not BINRPC, or end too early: the connection is of no more use. */
export class RpcProtocolError extends Error {
  override readonly name = 'RpcProtocolError';
}

const MAGIC_AND_VERSION = 0xa1;
const TYPE = { int: 0, string: 1, double: 2, struct: 3, array: 4, name: 5, bytes: 6 } as const;
const PACKET = { request: 0, reply: 1, fault: 3 } as const;

export interface Packet {
  readonly cookie: number;
  readonly fault: boolean;
  readonly values: readonly Value[];
}

/** One call as it goes over the wire; the cookie comes back with the answer. */
export function encodeRequest(cookie: number, method: string, parameters: readonly Parameter[]): Buffer {
  const body = Buffer.concat([encodeString(method), ...parameters.map(encodeParameter)]);
  const header = Buffer.alloc(10);
  header[0] = MAGIC_AND_VERSION;
  // Both numbers on four bytes: size codes 3.
  header[1] = (PACKET.request << 4) | (3 << 2) | 3;
  header.writeUInt32BE(body.length, 2);
  header.writeUInt32BE(cookie, 6);
  return Buffer.concat([header, body]);
}

function encodeParameter(value: Parameter): Buffer {
  return typeof value === 'string' ? encodeString(value) : encodeInteger(value);
}

function encodeInteger(value: number): Buffer {
  const record = Buffer.alloc(5);
  record[0] = (4 << 4) | TYPE.int;
  record.writeInt32BE(value, 1);
  return record;
}

function encodeString(text: string): Buffer {
  const value = Buffer.from(`${text}\0`, 'utf8');
  const head = Buffer.alloc(5);
  head[0] = 0x80 | (4 << 4) | TYPE.string;
  head.writeUInt32BE(value.length, 1);
  return Buffer.concat([head, value]);
}

/**
 * The first whole packet of `data` and how many bytes it took; undefined while it is incomplete.
 * @throws RpcProtocolError
 */
export function decodePacket(data: Buffer): { readonly packet: Packet; readonly length: number } | undefined {
  if (data.length < 4) return undefined;
  if (data[0] !== MAGIC_AND_VERSION) throw new RpcProtocolError(`not BINRPC: first byte ${data[0]}`);
  const flags = data[1] ?? 0;
  const lengthBytes = ((flags >> 2) & 3) + 1;
  const cookieBytes = (flags & 3) + 1;
  const start = 2 + lengthBytes + cookieBytes;
  if (data.length < start) return undefined;
  const length = start + data.readUIntBE(2, lengthBytes);
  if (data.length < length) return undefined;
  const cookie = data.readUIntBE(2 + lengthBytes, cookieBytes);
  const values = new Decoder(data.subarray(start, length)).all();
  return { packet: { cookie, fault: flags >> 4 === PACKET.fault, values }, length };
}

class Decoder {
  readonly #data: Buffer;
  #at = 0;

  constructor(data: Buffer) {
    this.#data = data;
  }

  all(): Value[] {
    const values: Value[] = [];
    while (this.#at < this.#data.length) {
      const value = this.#record();
      if (value === END || value instanceof Name) throw new RpcProtocolError('an end or a name outside any struct');
      values.push(value);
    }
    return values;
  }

  #take(bytes: number): Buffer {
    const end = this.#at + bytes;
    if (end > this.#data.length) throw new RpcProtocolError('record beyond the end of its packet');
    const taken = this.#data.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  #record(): Value | Name | typeof END {
    const [head = 0] = this.#take(1);
    const type = head & 0xf;
    const long = head >= 0x80;
    let size = (head >> 4) & 7;
    if (long && size === 0 && (type === TYPE.struct || type === TYPE.array)) return END;
    if (long) {
      if (size === 0 || size > 4) throw new RpcProtocolError(`size of ${size} bytes`);
      size = this.#take(size).readUIntBE(0, size);
    }
    if (type === TYPE.int) return this.#integer(size);
    if (type === TYPE.double) return this.#integer(size) / 1000;
    if (type === TYPE.string || type === TYPE.name) {
      const text = this.#take(size).toString('utf8').replace(/\0$/, '');
      return type === TYPE.name ? new Name(text) : text;
    }
    if (type === TYPE.bytes) return this.#take(size).toString('latin1');
    if (type === TYPE.array) return this.#array();
    if (type === TYPE.struct) return this.#struct();
    throw new RpcProtocolError(`record of unknown type ${type}`);
  }

  #integer(size: number): number {
    if (size === 0) return 0;
    if (size > 4) throw new RpcProtocolError(`integer of ${size} bytes`);
    const bytes = this.#take(size);
    return size === 4 ? bytes.readInt32BE(0) : bytes.readUIntBE(0, size);
  }

  #array(): Value[] {
    const values: Value[] = [];
    for (let value = this.#record(); value !== END; value = this.#record()) {
      if (value instanceof Name) throw new RpcProtocolError('a name in an array');
      values.push(value);
    }
    return values;
  }

  /** Arrays within structs come as structs, too: their members have no names, here ''. */
  #struct(): Struct {
    const members: (readonly [string, Value])[] = [];
    for (let record = this.#record(); record !== END; record = this.#record()) {
      if (!(record instanceof Name)) {
        members.push(['', record]);
        continue;
      }
      const value = this.#record();
      if (value === END || value instanceof Name)
        throw new RpcProtocolError(`struct member ${record.text} without value`);
      members.push([record.text, value]);
    }
    return { members };
  }
}

class Name {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

const END = Symbol('end of struct or array');

export const isStruct = (value: Value | undefined): value is Struct => typeof value === 'object' && 'members' in value;

/** First member of that name; undefined when there is none, or `value` is no struct. */
export function member(value: Value | undefined, name: string): Value | undefined {
  return isStruct(value) ? value.members.find(([n]) => n === name)?.[1] : undefined;
}

/** All members of that name, however deep. */
export function deepMembers(value: Value, name: string): Value[] {
  if (Array.isArray(value)) return value.flatMap((v) => deepMembers(v, name));
  if (!isStruct(value)) return [];
  return value.members.flatMap(([n, v]) => (n === name ? [v] : deepMembers(v, name)));
}
