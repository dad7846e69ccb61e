export { type Prompt, PromptLibrary, preparePrompt } from './prompt-library.ts';
export { PromptRecogniser, type Recognised } from './prompt-recogniser.ts';
