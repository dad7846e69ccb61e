import { INVARIANTS } from './invariants.ts';
import type { Shrunk } from './shrink.ts';
import type { Entry } from './trace.ts';

const MOST_LINES = 160;

/** What is told of a broken world: everything about the session, the legs and the telephone concerned, and all faults. */
function concerned(entries: readonly Entry[], { broken }: Shrunk): Entry[] {
  const sessions = new Set([broken.sessionId].filter(Boolean));
  const legs = new Set([broken.legId].filter(Boolean));
  const numbers = new Set([broken.number].filter(Boolean));
  // Session, legs and telephone lead to one another.
  for (let before = -1; before !== sessions.size + legs.size + numbers.size; ) {
    before = sessions.size + legs.size + numbers.size;
    for (const { sessionId, legId, number } of entries) {
      const known =
        (sessionId && sessions.has(sessionId)) || (legId && legs.has(legId)) || (number && numbers.has(number));
      if (!known) continue;
      if (sessionId) sessions.add(sessionId);
      if (legId) legs.add(legId);
      // B's telephone is nobody's key: legs lead to it, it leads nowhere.
      if (number?.startsWith('+48')) numbers.add(number);
    }
  }
  return entries.filter(
    ({ sessionId, legId, number }) =>
      (!sessionId && !legId && !number) ||
      (sessionId && sessions.has(sessionId)) ||
      (legId && legs.has(legId)) ||
      (number && numbers.has(number)),
  );
}

/** The shortest story found of how an invariant broke, for people. */
export function tell(shrunk: Shrunk): string {
  const { broken, options, world, tries, outcome } = shrunk;
  const entries = concerned(world.trace.entries, shrunk);
  const [first] = entries.filter(({ legId }) => legId);
  const startUs = first?.atUs ?? 0;
  const short = namesOf(entries);
  const lines = entries
    .filter(({ atUs }) => atUs <= broken.atUs)
    .map(({ atUs, who, words, sessionId, legId }) => {
      const at = ((atUs - startUs) / 1e6).toFixed(3).padStart(10);
      const about = [sessionId && short(sessionId, 'session'), legId && short(legId, 'leg')].filter(Boolean).join(' ');
      return `${at}  ${who.padEnd(9)} ${words}${about ? `  [${about}]` : ''}`;
    });
  const shown =
    lines.length > MOST_LINES
      ? [`${' '.repeat(10)}  … ${lines.length - MOST_LINES} lines`, ...lines.slice(-MOST_LINES)]
      : lines;
  const calls = [...world.calls].map(({ index }) => index).join(', ');
  const faults = world.faults.map(({ kind, id }) => `${kind} (${id})`).join(', ');
  return [
    `BROKEN ${broken.invariant}: ${INVARIANTS[broken.invariant]}`,
    `       ${broken.message}`,
    `seed "${options.seed}", ${world.calls.length} call(s): ${calls}; ${world.faults.length} fault(s): ${faults || 'none'};`,
    `${options.dialers} dialer(s), ${options.switches} switch(es); found by playing ${tries} smaller worlds${outcome.broken ? '' : ' (does not break when played alone)'}`,
    '',
    '   seconds  who       what',
    ...shown,
  ].join('\n');
}

/** Ids are long: sessions and legs are numbered as they come. */
function namesOf(entries: readonly Entry[]): (id: string, kind: string) => string {
  const names = new Map<string, string>();
  let sessions = 0;
  let legs = 0;
  for (const { sessionId, legId } of entries) {
    if (sessionId && !names.has(sessionId)) names.set(sessionId, `session ${++sessions}`);
    if (legId && !names.has(legId)) names.set(legId, `leg ${++legs}`);
  }
  return (id, kind) => names.get(id) ?? kind;
}
