/** One event as FreeSWITCH's switch_event_t: an ordered list of headers (names may repeat) and an optional body. */
export class SwitchEvent {
  readonly headers: [string, string][];
  readonly name: string;
  readonly body: string;

  constructor(name: string, headers: [string, string][] = [], body = '') {
    this.name = name;
    this.headers = headers;
    this.body = body;
  }

  get(name: string): string | undefined {
    const wanted = name.toLowerCase();
    return this.headers.find(([key]) => key.toLowerCase() === wanted)?.[1];
  }
}

// FreeSWITCH's SWITCH_URL_UNSAFE: other printable ASCII (commas, slashes, parentheses …) stays as it is.
const UNSAFE = new Set('\r\n "#%&+:;<=>?@[\\]^`{|}');

/** Encodes a header value as switch_url_encode does. */
export function urlEncode(value: string): string {
  let out = '';
  for (const byte of Buffer.from(value, 'utf8')) {
    const char = String.fromCharCode(byte);
    out += byte < 32 || byte > 126 || UNSAFE.has(char) ? `%${byte.toString(16).toUpperCase().padStart(2, '0')}` : char;
  }
  return out;
}

/** The event in `plain` form: encoded headers, an empty line, the body. */
export function serializePlain(event: SwitchEvent, encode = true): string {
  let out = '';
  for (const [name, value] of event.headers) out += `${name}: ${encode ? urlEncode(value) : value}\n`;
  if (event.body !== '') out += `Content-Length: ${Buffer.byteLength(event.body)}\n\n${event.body}`;
  else out += '\n';
  return out;
}

/** The event in `json` form: values are not url-encoded, the body is `_body`. */
export function serializeJson(event: SwitchEvent): string {
  const object: Record<string, string> = {};
  for (const [name, value] of event.headers) object[name] = value;
  if (event.body !== '') {
    object['Content-Length'] = String(Buffer.byteLength(event.body));
    object['_body'] = event.body;
  }
  return JSON.stringify(object);
}
