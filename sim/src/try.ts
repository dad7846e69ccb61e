import { World } from './world.ts';
const [calls = '50', seed = '1', fault = '0', talk = '120', conc = '20', record = ''] = process.argv.slice(2);
const world = new World({
  seed,
  calls: Number(calls),
  concurrency: Number(conc),
  talkSeconds: Number(talk),
  dialers: 2,
  switches: 3,
  faultSeconds: Number(fault),
  record: record !== '',
});
const t = performance.now();
const out = await world.run();
console.log(out, ((performance.now() - t) / 1000).toFixed(2) + ' s');
if (out.broken) {
  console.log(out.broken);
}
if (record) {
  const b = out.broken;
  const es =
    record === 'all' || !b
      ? world.trace.entries
      : world.trace.entries.filter(
          (e) =>
            (e.sessionId === b.sessionId && b.sessionId) ||
            (e.legId === b.legId && b.legId) ||
            (e.number && e.number === b.number) ||
            e.who === 'world',
        );
  for (const e of es.slice(-200))
    console.log(
      ((e.atUs - 1.8e15) / 1e6).toFixed(3),
      e.who,
      e.words,
      e.sessionId?.slice(-4) ?? '',
      e.legId?.slice(-4) ?? '',
    );
}
import { shrink } from './shrink.ts';
import { tell } from './story.ts';
if (out.broken && record === '') {
  const s = await shrink(world.options, out.broken, 60000);
  console.log(tell(s));
}
