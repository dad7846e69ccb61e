/** How late timers of this process are: what a busy machine adds to every time that is measured here. */
const BEAT_MS = 20;
const late: { atMs: number; ms: number }[] = [];
let due = performance.now() + BEAT_MS;

setInterval(() => {
  const now = performance.now();
  if (now - due >= BEAT_MS) late.push({ atMs: now, ms: now - due });
  due = now + BEAT_MS;
}, BEAT_MS).unref();

/** The latest that a timer of this process was in the last `seconds`, in seconds. */
export const latest = (seconds: number): number => {
  const from = performance.now() - seconds * 1000;
  return Math.max(0, ...late.filter(({ atMs }) => atMs > from).map(({ ms }) => ms / 1000));
};
