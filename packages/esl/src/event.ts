/**
 * One event in plain format. Header values are url-encoded on the wire and decoded when they are asked for: a handful of
 * some hundred is. An event without `Event-Name` exists (a digit action's; recorded), its `name` is empty.
 */
export class EslEvent {
  readonly #raw: ReadonlyMap<string, string>;
  /** Of events that carry one, e.g. a BACKGROUND_JOB's result. */
  readonly body: string;

  constructor(raw: ReadonlyMap<string, string>, body: string) {
    this.#raw = raw;
    this.body = body;
  }

  /** Empty when the header is missing. Names are as the switch writes them: `Unique-ID`, `variable_hangup_cause`. */
  get(name: string): string {
    const raw = this.#raw.get(name);
    return raw === undefined ? '' : urlDecode(raw);
  }

  has(name: string): boolean {
    return this.#raw.has(name);
  }

  names(): IterableIterator<string> {
    return this.#raw.keys();
  }

  get name(): string {
    return this.get('Event-Name');
  }

  /** Of CUSTOM events. */
  get subclass(): string {
    return this.get('Event-Subclass');
  }

  /** Channel the event is about. */
  get channel(): string {
    return this.get('Unique-ID');
  }
}

/** The payload of `text/event-plain`, or what `uuid_dump` answers. A header that comes twice keeps its first value. */
export function parseEvent(payload: Buffer): EslEvent {
  const end = payload.indexOf('\n\n');
  const head = (end < 0 ? payload : payload.subarray(0, end)).toString('utf8');
  const raw = new Map<string, string>();
  for (const line of head.split('\n')) {
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const name = line.slice(0, colon);
    if (!raw.has(name)) raw.set(name, line.slice(colon + 1).trim());
  }
  if (end < 0) return new EslEvent(raw, '');
  const length = Number(raw.get('Content-Length') ?? Number.NaN);
  const from = end + 2;
  const body = payload.subarray(from, Number.isSafeInteger(length) ? from + length : undefined);
  return new EslEvent(raw, body.toString('utf8'));
}

/** `%41` → `A`. Bytes that are no UTF-8 become U+FFFD; a `%` that starts no escape stays as it is. */
export function urlDecode(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    const bytes = text.replace(/%([0-9a-fA-F]{2})/g, (_all, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
    // Each character above ASCII that was not escaped is kept as its own UTF-8 bytes.
    return Buffer.from(
      [...bytes].flatMap((character) => {
        const code = character.codePointAt(0) ?? 0;
        return code < 256 ? [code] : [...Buffer.from(character, 'utf8')];
      }),
    ).toString('utf8');
  }
}
