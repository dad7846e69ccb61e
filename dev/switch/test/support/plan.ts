import { sipToCause } from '../../src/causes.ts';
import { header, type RecordedItem, type Recording, uniqueId } from './recording.ts';

/** What the far end of a leg does. `leg` is the recorded Unique-ID. */
export type FarEnd =
  | { do: 'invite' }
  | { do: 'ring' }
  | { do: 'progress' }
  | { do: 'answer' }
  | { do: 'reject'; status: number; phrase: string; reason?: string }
  | { do: 'bye' }
  | { do: 'cancel' }
  | { do: 'info'; contentType: string; body: string }
  | { do: 'dtmf'; digits: string };

/** A step of a replay: a command, or the far end acting; `before`: how many items of the recording come first. */
export type Step = { t: number; before: number } & (
  | { send: string }
  | { leg: string; act: FarEnd }
  | { connect: true }
);

/** A digit lasts 100 ms and is told at its end; what a digit machine holds comes 1.5 s later. */
const DIGIT_S = 0.12;
const HELD_S = 1.5;
const KEY_S = 0.2;

/**
 * How a recording was made: the commands as they were sent, and the far end's part, read off the events it caused
 * (180 → CHANNEL_PROGRESS, BYE → a CHANNEL_HANGUP whose disposition is recv_bye …) and off the recorder's notes where
 * digits left no event because they were swallowed.
 */
export function planOf(recording: Recording): Step[] {
  const { items } = recording;
  const steps: Step[] = [];
  const reports = new Map<string, RecordedItem>();
  const seen = new Set<string>();
  for (const item of items)
    if (header(item, 'Event-Name') === 'CHANNEL_HANGUP_COMPLETE') reports.set(uniqueId(item) ?? '', item);
  const labels = legLabels(items);
  let dialled = '';

  items.forEach((item, before) => {
    const step = (leg: string, act: FarEnd, lead = 0): void =>
      void steps.push({ t: Math.max(0, item.t - lead), before, leg, act });
    if (item.reply === 'auth/request') steps.push({ t: item.t, before, connect: true });
    if (item.send !== undefined) steps.push({ t: item.t, before, send: item.send });
    const note = /^([AB]) dials ([0-9*#]+)$/.exec(item.note ?? '');
    if (note !== null) {
      dialled = note[2] ?? '';
      step(labels.get(note[1] ?? '') ?? '', { do: 'dtmf', digits: dialled });
    }
    const name = header(item, 'Event-Name');
    const leg = uniqueId(item) ?? '';
    if (name === undefined || leg === '') return;
    const outbound = header(item, 'Call-Direction') === 'outbound';
    if (!seen.has(leg) && !outbound) step(leg, { do: 'invite' });
    seen.add(leg);
    const report = reports.get(leg);
    if (name === 'CHANNEL_PROGRESS' && outbound) step(leg, { do: 'ring' });
    else if (name === 'CHANNEL_PROGRESS_MEDIA' && outbound) step(leg, { do: 'progress' });
    else if (name === 'CHANNEL_ANSWER' && outbound) step(leg, { do: 'answer' });
    else if (name === 'RECV_INFO')
      step(leg, { do: 'info', contentType: header(item, 'SIP-Content-Type') ?? '', body: item.body ?? '' });
    else if (name === 'CHANNEL_HANGUP' && report !== undefined) hangupStep(report, (act) => step(leg, act));
    else if (name === 'DTMF') {
      const digit = header(item, 'DTMF-Digit') ?? '';
      if (dialled.startsWith(digit)) dialled = dialled.slice(digit.length);
      else if (header(item, 'DTMF-Source') !== 'APP') step(leg, { do: 'dtmf', digits: digit }, DIGIT_S);
      else {
        const group = sameMoment(items, before, leg);
        dialled = group.slice(1);
        step(leg, { do: 'dtmf', digits: group }, group.startsWith('#') ? HELD_S + KEY_S * group.length : DIGIT_S);
      }
    } else if (name === 'CHANNEL_EXECUTE' && header(item, 'Application') === 'event') {
      if (dialled === '') step(leg, { do: 'dtmf', digits: '#11' }, KEY_S * 3);
      dialled = '';
    }
  });
  return steps;
}

function hangupStep(report: RecordedItem, step: (act: FarEnd) => void): void {
  const disposition = header(report, 'variable_sip_hangup_disposition');
  if (disposition === 'recv_bye') step({ do: 'bye' });
  else if (disposition === 'recv_cancel') step({ do: 'cancel' });
  else if (disposition === 'recv_refuse') {
    const status = Number(header(report, 'variable_sip_invite_failure_status'));
    const q850 = header(report, 'variable_hangup_cause_q850') ?? '';
    // A cause that the status alone does not give came by a Reason header.
    const told = header(report, 'variable_hangup_cause') !== sipToCause(status);
    step({
      do: 'reject',
      status,
      phrase: header(report, 'variable_sip_invite_failure_phrase') ?? '',
      ...(told ? { reason: `Q.850;cause=${q850}` } : {}),
    });
  }
}

/** Digits passed on together by a digit machine. */
function sameMoment(items: RecordedItem[], from: number, leg: string): string {
  let digits = '';
  const t = items[from]?.t ?? 0;
  for (const item of items.slice(from)) {
    if (item.t - t > 0.05) break;
    if (header(item, 'Event-Name') === 'DTMF' && uniqueId(item) === leg) digits += header(item, 'DTMF-Digit') ?? '';
  }
  return digits;
}

/** A: the first leg, B: the second. */
export function legLabels(items: RecordedItem[]): Map<string, string> {
  const out = new Map<string, string>();
  const legs: string[] = [];
  for (const item of items) {
    const leg = uniqueId(item);
    if (leg !== undefined && !legs.includes(leg)) legs.push(leg);
  }
  legs.forEach((leg, index) => out.set(String.fromCharCode(65 + Math.min(index, 25)), leg));
  return out;
}
