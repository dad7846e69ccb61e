export * from './api.ts';
export { codecs } from './codec.ts';
export { DtmfDetector, digitOfEvent, dtmfTone, eventOfDigit, goertzel } from './dtmf.ts';
export { BeatClock, type ClockTime, sharedClock } from './media-clock.ts';
export { anyPort, NoFreePort, PortPool } from './ports.ts';
export { openRtpSession } from './rtp-session.ts';
export { FrameRelay, MixSource, mixInto, PcmSource, PlaybackQueue, silence } from './sources.ts';
export {
  busyTone,
  parseTgml,
  renderTone,
  ringbackTone,
  steadyTone,
  type Tone,
  ToneSource,
  type ToneStep,
} from './tones.ts';
export { formatWav, parseWav, readWav, WavError, WavWriter } from './wav.ts';
