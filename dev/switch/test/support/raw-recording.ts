import type { RecordedItem, Recording } from './recording.ts';

/** Headers that are the same in all events, or tell of the recording machine only. */
const COMMON = new Set(
  (
    'Core-UUID FreeSWITCH-Hostname FreeSWITCH-Switchname FreeSWITCH-IPv4 FreeSWITCH-IPv6 Event-Date-Local Event-Date-GMT ' +
    'Event-Date-Timestamp Event-Calling-File Event-Calling-Function Event-Calling-Line-Number'
  ).split(' '),
);

/** Reads a recording as the recorder wrote it: `>>>` sent, `<<<` received, `###` a note, `***` closed, each with `[t+sec]`. */
export function parseRawRecording(name: string, text: string): Recording {
  const items: RecordedItem[] = [];
  const parts = text.split(/^(<<<|>>>|###|\*\*\*) \[t\+([\d.]+)\]\n/m);
  for (let i = 1; i + 2 < parts.length; i += 3) {
    const [kind, time, content = ''] = parts.slice(i, i + 3);
    const t = Number(time);
    if (kind === '>>>') items.push({ t, send: content.replace(/\n+$/, '') });
    else if (kind === '###') items.push({ t, note: content.trim() });
    else if (kind === '***') items.push({ t, closed: true });
    else items.push(received(t, content));
  }
  return { name, items };
}

function received(t: number, content: string): RecordedItem {
  const [outer = '', ...rest] = content.split('\n\n');
  const head = headersOf(outer, false);
  const get = (list: [string, string][], name: string): string | undefined => list.find(([key]) => key === name)?.[1];
  const type = get(head, 'Content-Type') ?? '';
  const after = rest.join('\n\n');
  const cut = (body: string, length: string): string => Buffer.from(body).subarray(0, Number(length)).toString('utf8');
  if (type !== 'text/event-plain') {
    const length = get(head, 'Content-Length');
    return { t, reply: type, text: get(head, 'Reply-Text') ?? (length === undefined ? '' : cut(after, length)) };
  }
  const [inner = '', ...bodies] = rest;
  const event = headersOf(inner, true).filter(([key]) => !COMMON.has(key));
  const length = get(event, 'Content-Length');
  return { t, event, ...(length === undefined ? {} : { body: cut(bodies.join('\n\n'), length) }) };
}

function headersOf(text: string, decode: boolean): [string, string][] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const at = line.indexOf(': ');
      const value = at < 0 ? '' : line.slice(at + 2);
      return [at < 0 ? line.replace(/:$/, '') : line.slice(0, at), decode ? decodeURIComponent(value) : value];
    });
}
