import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { action, Life } from './life.ts';

export const DOCUMENT = fileURLToPath(new URL('../../../docs/session-transitions.md', import.meta.url));

/** How many random lives the picture is drawn from; the same ones every time. */
const LIVES = { numRuns: 4_000, seed: 20_261_123 };

/** Every change of phase that random lives of the real core run into, with the events that caused it. */
export function observedTransitions(): Map<string, Set<string>> {
  const seen = new Map<string, Set<string>>();
  fc.assert(
    fc.property(fc.array(action, { maxLength: 80, size: 'max' }), (actions) => {
      const life = new Life();
      life.trigger();
      for (const each of actions) life.do(each);
      life.comeToAnEnd();
      for (const { event, from, to } of life.world.live!.history) {
        if (from === to) continue;
        const edge = `${from} --> ${to}`;
        seen.set(edge, (seen.get(edge) ?? new Set()).add(event));
      }
    }),
    LIVES,
  );
  return seen;
}

/** The picture as a Mermaid state diagram, and the same in a table. */
export function render(transitions: Map<string, Set<string>>): string {
  const edges = [...transitions]
    .map(([edge, events]) => ({ edge, events: [...events].sort() }))
    .sort((one, two) => (one.edge < two.edge ? -1 : 1));
  const state = (name: string): string => (name === 'new' || name === 'ended' ? '[*]' : name);
  const drawn = edges.map(({ edge, events }) => {
    const [from = '', to = ''] = edge.split(' --> ');
    const shown = events.length > 3 ? `${events.slice(0, 3).join(', ')}, …` : events.join(', ');
    return `  ${state(from)} --> ${state(to)} : ${shown.replaceAll(':', ' ')}`;
  });
  const rows = edges.map(({ edge, events }) => {
    const [from, to] = edge.split(' --> ');
    return `| ${from} | ${to} | ${events.map((event) => `\`${event}\``).join(', ')} |`;
  });
  return `# The life of a callback session

Made from the code by \`make docs\`: the changes of phase that ${LIVES.numRuns} random lives of the session core run into. The
table that makes them is \`TRANSITIONS\` in \`services/dialer/src/domain/table.ts\`.

\`\`\`mermaid
stateDiagram-v2
${drawn.join('\n')}
\`\`\`

| from | to | on |
| --- | --- | --- |
${rows.join('\n')}
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const document = render(observedTransitions());
  const before = await readFile(DOCUMENT, 'utf8').catch(() => '');
  if (document !== before) await writeFile(DOCUMENT, document);
}
