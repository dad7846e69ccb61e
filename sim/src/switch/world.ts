import type { Channel, FarEnd } from './channel.ts';
import type { SimSwitch } from './switch.ts';

/** The cause of a switch's own cut-off. */
export const CUT_OFF_CAUSE = 'ALLOTTED_TIMEOUT';

/** What the switch was told to dial. */
export interface Dialled {
  legId: string;
  /** E.164 with +. */
  number: string;
  gateway: string;
  role: 'a' | 'b';
  cutoffSeconds: number;
  answerTimeoutSeconds: number;
  progressTimeoutSeconds: number;
}

/** What comes of it, if nobody gives up before; times from now, µs. */
export interface DialPlan {
  far: FarEnd;
  progressUs: number | undefined;
  answerUs: number | undefined;
  refuse: { cause: string; us: number } | undefined;
}

/** Everything outside of a switch: carriers, telephones, and whoever looks on. */
export interface SwitchWorld {
  dial(on: SimSwitch, dialled: Dialled): DialPlan;
  answered(on: SimSwitch, channel: Channel): void;
  /** The channel is gone; `died`: with its switch. */
  gone(on: SimSwitch, channel: Channel, died: boolean): void;
  /** How late a scheduled hang-up is, µs. */
  lateUs(): number;
}
