import { EslError, type EslEvent } from '@ringback/esl';
import type { EslPort, OpenEsl } from '@ringback/switch-agent/core';
import type { Life } from '../life.ts';
import type { Ids, Random } from '../random.ts';
import { answerLine, execute, originate } from './lines.ts';
import type { SimSwitch } from './switch.ts';

const RETRY_MS = 1_000;

/** The event socket between one agent's life and its switch: in order, quick, and gone when one of them goes. */
export function eventSocket(life: Life, on: SimSwitch, random: Random, ids: Ids): OpenEsl {
  return (options) => {
    let generation = 0;
    let up = false;
    let closed = false;
    const pending = new Set<(error: Error) => void>();
    const delayUs = (): number => 60 + random.int(120);
    /** Answers and events come in the order in which they were written. */
    let lastUs = 0;
    const arrive = (work: () => void): void => {
      const mine = generation;
      lastUs = Math.max(lastUs, life.clock.nowUs + delayUs());
      life.clock.after(lastUs - life.clock.nowUs, () => {
        if (mine === generation && up) life.enter(() => mine === generation && up && work());
      });
    };
    const listener = (event: EslEvent): void => {
      if (!life.alive) on.listeners.delete(listener);
      else arrive(() => options.onEvent(event));
    };

    function connect(): void {
      if (closed || up) return;
      if (!on.up) return void life.after(RETRY_MS, connect);
      generation += 1;
      up = true;
      on.listeners.add(listener);
      on.closers.add(hungUp);
      options.onUp?.();
    }

    const hungUp = (): void => {
      on.listeners.delete(listener);
      const mine = generation;
      life.clock.after(delayUs(), () =>
        life.enter(() => mine === generation && down('the switch closed the event socket')),
      );
    };

    function down(reason: string): void {
      if (!up) return;
      up = false;
      generation += 1;
      on.listeners.delete(listener);
      on.closers.delete(hungUp);
      const error = new EslError('disconnected', reason);
      for (const reject of pending) reject(error);
      pending.clear();
      options.onDown?.(error);
      life.after(50, connect);
    }

    /** One command and its answer. */
    const ask = <T>(work: () => T): Promise<T> => {
      if (!up) return Promise.reject(new EslError('not_connected', 'the event socket is not connected'));
      return new Promise((resolve, reject) => {
        pending.add(reject);
        const mine = generation;
        const { core } = on;
        life.clock.after(delayUs(), () => {
          if (mine !== generation || !on.up || on.core !== core) return;
          const answer = work();
          arrive(() => {
            pending.delete(reject);
            resolve(answer);
          });
        });
      });
    };
    const refuse = (text: string): never => {
      throw new EslError('refused', text.replace(/^-\w+:?\s*/, ''));
    };

    const port: EslPort = {
      start: () => void life.after(1, connect),
      close() {
        closed = true;
        up = false;
        generation += 1;
        on.listeners.delete(listener);
        on.closers.delete(hungUp);
      },
      reconnect: () => down('connecting again'),
      api: (line) => ask(() => answerLine(on, line)),
      ask: async (line) => {
        const text = await port.api(line);
        return /^-(ERR|USAGE)/.test(text) ? refuse(text) : text;
      },
      async bgapi(line, _job = ids.next()) {
        let end = (_text: string): void => {};
        let broken = (_error: Error): void => {};
        const result = new Promise<string>((resolve, reject) => {
          end = resolve;
          broken = reject;
        });
        result.catch(() => undefined);
        await ask(() => {
          pending.add(broken);
          originate(on, line.replace(/^originate /, ''), (text) => arrive(() => end(text)));
        });
        return { result };
      },
      async execute(channel, app, argument, id = '') {
        const problem = await ask(() => execute(on, channel, app, argument, id));
        if (problem !== undefined) refuse(problem);
      },
    };
    return port;
  };
}
