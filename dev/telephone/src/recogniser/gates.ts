import type { Template } from './prompt-library.ts';
import { BANDS, CAP_DB, STRONGEST } from './spectrum.ts';

/** A frame that is like a gate's has the gate's strongest band among its own strongest, even with a tone on top of it. */
const AMONG = 4;

/**
 * All gates of all templates, in flat arrays and sorted by their strongest band: every frame of a stream is held against
 * thousands of them, fifty times a second and call.
 */
export class Gates {
  readonly #templates: Template[] = [];
  readonly #frames: number[] = [];
  readonly #bands: Uint8Array;
  /** In dB, less their mean: what remains does not depend on the gain. */
  readonly #energies: Float32Array;
  /** Where each strongest band's gates begin; the last entry is the end. */
  readonly #from = new Uint32Array(BANDS + 1);
  readonly #strongest = new Uint8Array(AMONG);

  constructor(templates: readonly Template[]) {
    const all = templates.flatMap((template) => template.gates.map((frame) => ({ template, frame })));
    const shapeOf = ({ template, frame }: (typeof all)[number]) => {
      const shape = template.frames[frame];
      if (!shape) throw new Error(`the template of ${template.prompt.id} has no frame ${frame}`);
      return shape;
    };
    const sorted = all
      .map((gate) => ({ ...gate, shape: shapeOf(gate) }))
      .toSorted((a, b) => (a.shape.bands[0] as number) - (b.shape.bands[0] as number));
    this.#bands = new Uint8Array(sorted.length * STRONGEST);
    this.#energies = new Float32Array(sorted.length * STRONGEST);
    sorted.forEach(({ template, frame, shape }, index) => {
      this.#templates.push(template);
      this.#frames.push(frame);
      const mean = shape.energies.reduce((sum, energy) => sum + energy, 0) / STRONGEST;
      this.#bands.set(shape.bands, index * STRONGEST);
      this.#energies.set(
        shape.energies.map((energy) => energy - mean),
        index * STRONGEST,
      );
      this.#from.fill(index + 1, (shape.bands[0] as number) + 1);
    });
  }

  /** Calls `passed` for every gate within `limitDb` (mean difference, whatever the gain) of the frame of band energies at `at`. */
  open(energies: Float32Array, at: number, limitDb: number, passed: (template: Template, frame: number) => void): void {
    this.#rank(energies, at);
    const limit = limitDb * STRONGEST;
    for (const band of this.#strongest) {
      const end = this.#from[band + 1] as number;
      for (let gate = this.#from[band] as number; gate < end; gate += 1) {
        if (this.#distance(energies, at, gate * STRONGEST, limit) <= limit)
          passed(this.#templates[gate] as Template, this.#frames[gate] as number);
      }
    }
  }

  #rank(energies: Float32Array, at: number): void {
    for (let rank = 0; rank < AMONG; rank += 1) {
      let best = -1;
      for (let band = 0; band < BANDS; band += 1) {
        if (this.#strongest.indexOf(band) >= 0 && this.#strongest.indexOf(band) < rank) continue;
        if (best < 0 || (energies[at + band] as number) > (energies[at + best] as number)) best = band;
      }
      this.#strongest[rank] = best;
    }
  }

  /** Sum of the differences in dB, or something above `limit` as soon as it is. */
  #distance(energies: Float32Array, at: number, from: number, limit: number): number {
    const bands = this.#bands;
    const wanted = this.#energies;
    let gain = 0;
    for (let i = from; i < from + STRONGEST; i += 1) gain += energies[at + (bands[i] as number)] as number;
    gain /= STRONGEST;
    let sum = 0;
    for (let i = from; i < from + STRONGEST && sum <= limit; i += 1) {
      const difference = Math.abs((energies[at + (bands[i] as number)] as number) - (wanted[i] as number) - gain);
      sum += difference > CAP_DB ? CAP_DB : difference;
    }
    return sum;
  }
}
