export {
  answer,
  type Audio,
  type Behaviour,
  busy,
  decline,
  earlyMedia,
  manual,
  noAnswer,
  reject,
} from './behaviour.ts';
export { type Endpoints, readEndpoints } from './endpoints.ts';
export { type ExpectPromptOptions, Heard, type HeardPrompt } from './heard.ts';
export { type CallEnd, type DigitHeard, type KeyOptions, PhoneCall } from './phone-call.ts';
export { type Prompt, PromptLibrary, PromptRecogniser, preparePrompt, type Recognised } from './recogniser/index.ts';
export { MARKERS, type PlaceOptions, Telephone, type TelephoneOptions } from './telephone.ts';
export { Timeline, type TimelineEntry } from './timeline.ts';
export { type Stretch, ToneListener } from './tone-listener.ts';
export { ExpectationFailed } from './waiters.ts';
