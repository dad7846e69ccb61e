/** The dialogue without its process: one pure step, and the voices it speaks with. */
export { StepError } from './dialogue/errors.ts';
export { step, type Voices } from './dialogue/step.ts';
export { loadVoices } from './voices.ts';
