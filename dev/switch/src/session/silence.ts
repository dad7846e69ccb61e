import { FRAME_SAMPLES } from './leg.ts';
import type { Session } from './session.ts';

const SILENCE = new Int16Array(FRAME_SAMPLES);

/** Sends silence while an application sends nothing, when `send_silence_when_idle` asks for it (0 or unset: nothing goes out). */
export class SilenceFiller {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  fill(): void {
    const value = Number.parseInt(this.#session.channel.get('send_silence_when_idle') ?? '0', 10);
    if (value !== 0 && !Number.isNaN(value) && this.#session.leg.mediaReady && this.#session.up)
      this.#session.leg.write(SILENCE);
  }
}
