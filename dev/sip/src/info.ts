import type { Info } from './api.ts';
import { contentType, type SipRequest } from './message.ts';

/** Reads an INFO and the digit in it, if it is application/dtmf-relay (`Signal=5`, `Duration=160`) or application/dtmf (`5`). */
export function readInfo(request: SipRequest): Info {
  const type = contentType(request);
  let dtmf: Info['dtmf'];
  if (type === 'application/dtmf-relay') {
    const signal = /^\s*Signal\s*[=:]\s*(\S+)\s*$/im.exec(request.body)?.[1];
    const duration = /^\s*Duration\s*[=:]\s*(\d+)\s*$/im.exec(request.body)?.[1];
    dtmf = digit(signal, duration === undefined ? undefined : Number(duration));
  } else if (type === 'application/dtmf') dtmf = digit(request.body.trim(), undefined);
  return { contentType: type, body: request.body, dtmf, request };
}

function digit(signal: string | undefined, durationMs: number | undefined): Info['dtmf'] {
  // Some peers write the event's number: 10 is *, 11 is #.
  const text = signal === '10' ? '*' : signal === '11' ? '#' : signal?.toUpperCase();
  return text !== undefined && /^[0-9*#A-D]$/.test(text) ? { digit: text, durationMs: durationMs ?? 160 } : undefined;
}
