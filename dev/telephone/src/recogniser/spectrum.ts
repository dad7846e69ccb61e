/** Samples of one analysis window (32 ms): long against the 5 ms to which windows of prompt and stream are aligned. */
export const WINDOW = 256;
export const BANDS = 16;

const LOWEST_HZ = 150;
const HIGHEST_HZ = 3500;
const HZ_PER_BIN = 8000 / WINDOW;
/** Of a prompt's frame only its strongest bands are compared: the others may be noise of the codec or of the line. */
export const STRONGEST = 8;
/** One band counts for at most so many dB, so that a tone on top of speech does not hide it. */
export const CAP_DB = 6;

const hann = Float64Array.from({ length: WINDOW }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / WINDOW));
const cosines = Float64Array.from({ length: WINDOW / 2 }, (_, i) => Math.cos((2 * Math.PI * i) / WINDOW));
const sines = Float64Array.from({ length: WINDOW / 2 }, (_, i) => -Math.sin((2 * Math.PI * i) / WINDOW));
const reversed = Uint16Array.from({ length: WINDOW }, (_, i) => {
  let r = 0;
  for (let bit = 0; bit < 8; bit += 1) if ((i & (1 << bit)) !== 0) r |= 0x80 >> bit;
  return r;
});
/** First bin of each band, equally wide on the mel scale. */
const edges = Uint16Array.from({ length: BANDS + 1 }, (_, i) => {
  const mel = (hz: number): number => 2595 * Math.log10(1 + hz / 700);
  const at = mel(LOWEST_HZ) + ((mel(HIGHEST_HZ) - mel(LOWEST_HZ)) * i) / BANDS;
  return Math.round((700 * (10 ** (at / 2595) - 1)) / HZ_PER_BIN);
});

const re = new Float64Array(WINDOW);
const im = new Float64Array(WINDOW);

/** The 16 log band energies in dB of 256 samples from `start`. Returns the root mean square of the samples. */
export function bandEnergies(samples: Int16Array, start: number, into: Float32Array, at: number): number {
  let energy = 0;
  for (let i = 0; i < WINDOW; i += 1) {
    const sample = samples[start + i] ?? 0;
    energy += sample * sample;
    const to = reversed[i] as number;
    re[to] = sample * (hann[i] as number);
    im[to] = 0;
  }
  for (let size = 2; size <= WINDOW; size *= 2) {
    const half = size / 2;
    const step = WINDOW / size;
    for (let base = 0; base < WINDOW; base += size) {
      for (let i = 0; i < half; i += 1) {
        const c = cosines[i * step] as number;
        const s = sines[i * step] as number;
        const a = base + i;
        const b = a + half;
        const tr = c * (re[b] as number) - s * (im[b] as number);
        const ti = c * (im[b] as number) + s * (re[b] as number);
        re[b] = (re[a] as number) - tr;
        im[b] = (im[a] as number) - ti;
        re[a] = (re[a] as number) + tr;
        im[a] = (im[a] as number) + ti;
      }
    }
  }
  for (let band = 0; band < BANDS; band += 1) {
    let power = 1;
    const end = Math.max(edges[band + 1] as number, (edges[band] as number) + 1);
    for (let bin = edges[band] as number; bin < end; bin += 1)
      power += (re[bin] as number) ** 2 + (im[bin] as number) ** 2;
    into[at + band] = 10 * Math.log10(power);
  }
  return Math.sqrt(energy / WINDOW);
}

/** A frame to look for: the numbers of its strongest bands and their energies in dB. */
export interface FrameShape {
  bands: Uint8Array;
  energies: Float32Array;
}

export function frameShape(energies: Float32Array, at: number): FrameShape {
  const order = Array.from({ length: BANDS }, (_, band) => band).sort(
    (a, b) => (energies[at + b] as number) - (energies[at + a] as number),
  );
  const bands = Uint8Array.from(order.slice(0, STRONGEST));
  return { bands, energies: Float32Array.from(bands, (band) => energies[at + band] as number) };
}

/** Mean difference in dB between a frame of the stream and a shape, whatever the gain. */
export function shapeDistance(energies: Float32Array, at: number, shape: FrameShape): number {
  let gain = 0;
  for (let i = 0; i < STRONGEST; i += 1)
    gain += (energies[at + (shape.bands[i] as number)] as number) - (shape.energies[i] as number);
  gain /= STRONGEST;
  let sum = 0;
  for (let i = 0; i < STRONGEST; i += 1) {
    const difference = Math.abs(
      (energies[at + (shape.bands[i] as number)] as number) - (shape.energies[i] as number) - gain,
    );
    sum += difference > CAP_DB ? CAP_DB : difference;
  }
  return sum / STRONGEST;
}
