import type { sw } from '@ringback/contracts';

/** How a channel ended, as the switch's variables tell it; times epoch µs, 0: did not happen or not told. */
export interface EndData {
  cause: string;
  q850: number;
  sipStatus: number;
  disposition: string;
  createdUs: number;
  progressUs: number;
  answeredUs: number;
  endedUs: number;
}

/** A call that came in, and where its trace begins. */
export interface Offer {
  trigger: sw.LegOffered;
  traceparent: string;
  createdUs: number;
  /** When the edge had it, by the edge's clock; left out where it does not say. */
  receivedUs?: number;
}

interface About {
  legId: string;
  /** Epoch µs by the switch's clock. */
  atUs: number;
}

/** What the switch tells, of all it could, in the words of the core. */
export type SwitchFact = About &
  (
    | { is: 'created'; core: string }
    | { is: 'progress'; earlyMedia: boolean }
    /** `tones`: no telephone-event was negotiated, so keys may come as tones in the audio. */
    | { is: 'answered'; tones?: boolean }
    /** `offer` for a call that came in and rings. */
    | { is: 'parked'; offer: Offer | undefined }
    | { is: 'ended'; end: EndData }
    | { is: 'digit'; digit: string; source: string }
    /** An application that a command executed is over. `alive`: the channel has not hung up. `end` tells of a bridge. */
    | { is: 'executed'; app: string; commandId: string; played: boolean; alive: boolean; end: EndData }
    | { is: 'end_code' }
    | { is: 'task_added'; taskId: string; runtime: number }
    | { is: 'task_gone'; taskId: string }
  );
