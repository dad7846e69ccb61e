import { SAMPLE_RATE } from '@ringback/dev-media';

/** Half the width of what is taken out, as the pole radius of a second-order notch: about 60 Hz. */
const RADIUS = 0.975;

/** A filter that takes one frequency out of a stream; it keeps its state from call to call. */
export function notch(hz: number): (samples: Int16Array) => Int16Array {
  const c = 2 * Math.cos((2 * Math.PI * hz) / SAMPLE_RATE);
  const gain = (1 - RADIUS * c + RADIUS * RADIUS) / (2 - c);
  let x1 = 0;
  let x2 = 0;
  let y1 = 0;
  let y2 = 0;
  return (samples) => {
    const out = new Int16Array(samples.length);
    for (let i = 0; i < samples.length; i += 1) {
      const x = samples[i] as number;
      const y = gain * (x - c * x1 + x2) + RADIUS * c * y1 - RADIUS * RADIUS * y2;
      x2 = x1;
      x1 = x;
      y2 = y1;
      y1 = y;
      out[i] = y > 32_767 ? 32_767 : y < -32_768 ? -32_768 : Math.round(y);
    }
    return out;
  };
}
