/** Sounds made from the catalogue by a speech program, and what is known about the files. */
export { makeSounds, renderSound } from './make.ts';
export { soundFile, soundStates, type State, textHash } from './manifest.ts';
export { espeak, type Speak } from './speak.ts';
export { decodeWav, encodeWav, SAMPLE_RATE } from './wav.ts';
