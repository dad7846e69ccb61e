/** A far end as the switch meets it: somebody's telephone. */
export interface FarEnd {
  /** The switch ended the call (or gave up calling). */
  ended(): void;
  /** The switch plays this file to it. */
  hears(file: string): void;
  /** It is connected to somebody (or no longer). */
  connected(other: boolean): void;
  /** The switch answered the call that it made. */
  taken(): void;
}

/** One call leg on a switch. Times are epoch µs by the switch's clock; 0: did not happen. */
export interface Channel {
  id: string;
  direction: 'inbound' | 'outbound';
  createdUs: number;
  progressUs: number;
  answeredUs: number;
  endedUs: number;
  cause: string;
  q850: number;
  disposition: string;
  sipStatus: number;
  /** Of a call that came in: the edge's headers. */
  offer: Record<string, string> | undefined;
  far: FarEnd;
  /** What it executes when it is in no bridge. */
  app: 'park' | 'playback' | '';
  playback: { id: string; stop: () => void } | undefined;
  /** Of A in the application bridge. */
  bridge: { commandId: string; b: string; answered: boolean } | undefined;
  /** Of B: the A that it belongs to. */
  bridgedBy: string;
  /** Digits that end the bridge's B, and what of them was keyed last. */
  endCode: string;
  keyed: string;
  /** Scheduled hang-ups by Task-ID. */
  tasks: Map<string, { runtime: number; stop: () => void }>;
  /** Time-outs of ringing. */
  stops: (() => void)[];
  /** Seconds from the answer on, of `execute_on_answer`. */
  cutoffSeconds: number;
  /** Of `bgapi originate`: the job's end. */
  job: ((text: string) => void) | undefined;
}

export const newChannel = (
  fields: Pick<Channel, 'id' | 'direction' | 'createdUs' | 'far'> & Partial<Channel>,
): Channel => ({
  progressUs: 0,
  answeredUs: 0,
  endedUs: 0,
  cause: '',
  q850: 0,
  disposition: '',
  sipStatus: 0,
  offer: undefined,
  app: '',
  playback: undefined,
  bridge: undefined,
  bridgedBy: '',
  endCode: '',
  keyed: '',
  tasks: new Map(),
  stops: [],
  cutoffSeconds: 0,
  job: undefined,
  ...fields,
});

/** Q.850 of the causes that occur here. */
export const Q850: Readonly<Record<string, number>> = {
  NORMAL_CLEARING: 16,
  USER_BUSY: 17,
  NO_ANSWER: 19,
  CALL_REJECTED: 21,
  UNALLOCATED_NUMBER: 1,
  NORMAL_CIRCUIT_CONGESTION: 34,
  DESTINATION_OUT_OF_ORDER: 27,
  NORMAL_TEMPORARY_FAILURE: 41,
};

export const SIP_STATUS: Readonly<Record<string, number>> = {
  USER_BUSY: 486,
  NO_ANSWER: 480,
  CALL_REJECTED: 603,
  UNALLOCATED_NUMBER: 404,
  NORMAL_CIRCUIT_CONGESTION: 503,
  DESTINATION_OUT_OF_ORDER: 502,
};

/** Variables of a dial string's brackets: `[a=b,c='d e']`. */
export function dialVariables(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, name = '', quoted, plain = ''] of text.matchAll(/([a-zA-Z_-]+)=(?:'([^']*)'|([^,}\]]*))/g)) {
    found.set(name, quoted ?? plain);
  }
  return found;
}
