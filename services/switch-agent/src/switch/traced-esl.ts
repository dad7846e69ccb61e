import { type AttributeValue, ESL_COMMANDS, isTraced, SpanKind, withSpan } from '@ringback/service-kit';
import type { EslPort } from '../ports.ts';

/** What the agent tells its switch. */
export type Esl = Pick<EslPort, 'api' | 'ask' | 'bgapi' | 'execute'>;

const KNOWN: ReadonlySet<string> = new Set(ESL_COMMANDS);

/** Its first word, where that is one of those listed: never the arguments, which hold numbers. */
function commandOf(line: string): AttributeValue<'esl.command'> {
  const [word = ''] = line.split(' ', 1);
  return KNOWN.has(word) ? (word as AttributeValue<'esl.command'>) : 'other';
}

/** The event socket with a CLIENT span for each command that belongs to a call; the rest (probes, snapshots) has none. */
export function tracedEsl(esl: EslPort): Esl {
  const traced = <T>(mode: AttributeValue<'esl.mode'>, line: string, work: () => Promise<T>): Promise<T> => {
    if (!isTraced()) return work();
    const command = commandOf(line);
    const attributes = { 'esl.command': command, 'esl.mode': mode };
    return withSpan(`esl ${command}`, undefined, attributes, work, SpanKind.CLIENT);
  };
  return {
    api: (line) => traced('api', line, () => esl.api(line)),
    ask: (line) => traced('api', line, () => esl.ask(line)),
    bgapi: (line, job) => traced('bgapi', line, () => esl.bgapi(line, job)),
    execute: (channel, app, ...more) => traced('execute', app, () => esl.execute(channel, app, ...more)),
  };
}
