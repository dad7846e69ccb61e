/** One message as the event socket frames it: header lines, an empty line, and `Content-Length` bytes of body. */
export interface Frame {
  /** Names in lower case; values as sent. A name that comes twice keeps its last value. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/** What came is not the event socket's framing: the connection cannot be used any more. */
export class EslProtocolError extends Error {
  override readonly name = 'EslProtocolError';
}

const MAX_HEADER_BYTES = 1 << 20;
const MAX_BODY_BYTES = 64 << 20;
const EMPTY = Buffer.alloc(0);
const LF = 0x0a;

/** Takes bytes in whatever pieces they come, gives whole frames. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #size = 0;
  /** Of the frame whose body is awaited. */
  #headers: Map<string, string> | undefined;
  #bodyLength = 0;
  /** Bytes already searched in vain for the end of the headers. */
  #searched = 0;

  /**
   * @throws {EslProtocolError} when headers or body are longer than any the switch sends, or the length is no number.
   */
  push(chunk: Buffer): Frame[] {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    const frames: Frame[] = [];
    for (;;) {
      const frame = this.#next();
      if (frame === undefined) return frames;
      frames.push(frame);
    }
  }

  #next(): Frame | undefined {
    if (this.#headers === undefined) {
      if (this.#size <= this.#searched) return undefined;
      const data = this.#joined();
      let start = 0;
      while (data[start] === LF) start += 1;
      const end = data.indexOf('\n\n', Math.max(start, this.#searched - 1));
      if (end < 0) {
        if (data.length > MAX_HEADER_BYTES) throw new EslProtocolError('headers without an end');
        this.#searched = data.length;
        return undefined;
      }
      this.#searched = 0;
      this.#headers = readHeaders(data.subarray(start, end).toString('utf8'));
      this.#rest(data, end + 2);
      const length = this.#headers.get('content-length') ?? '0';
      this.#bodyLength = Number(length);
      if (!/^\d+$/.test(length) || this.#bodyLength > MAX_BODY_BYTES) throw new EslProtocolError('bad Content-Length');
    }
    if (this.#size < this.#bodyLength) return undefined;
    const headers = this.#headers;
    let body: Buffer = EMPTY;
    if (this.#bodyLength > 0) {
      const data = this.#joined();
      body = data.subarray(0, this.#bodyLength);
      this.#rest(data, this.#bodyLength);
    }
    this.#headers = undefined;
    return { headers, body };
  }

  #joined(): Buffer {
    const first: Buffer = this.#chunks[0] ?? EMPTY;
    if (this.#chunks.length === 1) return first;
    const joined = Buffer.concat(this.#chunks, this.#size);
    this.#chunks = [joined];
    return joined;
  }

  #rest(data: Buffer, from: number): void {
    const rest = data.subarray(from);
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#size = rest.length;
  }
}

function readHeaders(text: string): Map<string, string> {
  const headers = new Map<string, string>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  return headers;
}
