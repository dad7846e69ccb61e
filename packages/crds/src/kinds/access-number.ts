import { conditions, E164, observedGeneration } from '../common.ts';
import type { Definition, Resource } from '../definition.ts';
import {
  boolean,
  integer,
  list,
  object,
  oneOf,
  oneOfNumbers,
  optional,
  string,
  type Value,
  withDefault,
} from '../schema.ts';

const seconds = (doc: string) => integer({ doc, min: 1, max: 86_400 });

const retries = (doc: string) => list(seconds('Seconds.'), { doc, min: 1, max: 10 });

const spec = object(
  {
    number: string({ doc: 'E.164 with +.', max: 16, pattern: E164 }),
    mode: withDefault(
      oneOf(['callback', 'direct'], {
        doc: '`callback`: it rings, rejects, and calls back. `direct`: it answers (calling card).',
      }),
      'callback',
    ),
    language: withDefault(
      string({ doc: 'BCP 47; spoken before the caller is known.', max: 16, pattern: /^[a-z]{2,3}(-[A-Z]{2})?$/ }),
      'en',
    ),
    unknownCallers: withDefault(
      oneOf(['refuse', 'ask'], {
        doc: 'A caller ID that belongs to no account: nothing, or a callback that asks for account and PIN.',
      }),
      'refuse',
    ),
    ringTimeMs: withDefault(
      integer({ doc: 'How long a trigger rings. 12500: 2.5 ring cycles.', min: 1000, max: 60_000 }),
      12_500,
    ),
    rejectCode: withDefault(
      oneOfNumbers([486, 480, 603], {
        doc: 'SIP status it is rejected with. A 486 makes some networks offer call completion.',
      }),
      486,
    ),
    callbackDelayMs: withDefault(
      integer({ doc: 'From the end of the trigger call to the callback.', min: 3000, max: 6000 }),
      4000,
    ),
    answerTimeoutSeconds: withDefault(integer({ doc: 'How long the caller’s telephone rings.', min: 5, max: 120 }), 30),
    answerConfirmation: withDefault(
      oneOf(['none', 'press1'], {
        doc: '`press1`: nothing personal is said before a key is pressed; a machine presses none.',
      }),
      'none',
    ),
    busyRetrySeconds: withDefault(retries('Waits before further attempts after busy.'), [10, 30, 120]),
    noAnswerRetrySeconds: withDefault(retries('Waits before further attempts after no answer.'), [30]),
    coolDownSeconds: withDefault(
      integer({
        doc: 'Least time between the end of a session and the next callback to the same number.',
        min: 1,
        max: 86_400,
      }),
      5,
    ),
    shownCallerId: optional(
      string({ doc: 'Shown to the caller; the access number when not set.', max: 16, pattern: E164 }),
    ),
    endCode: withDefault(
      string({ doc: 'Keys that end the destination’s leg.', max: 6, pattern: /^[0-9*#]{2,6}$/ }),
      '#11',
    ),
    callBackAfterSwitchLoss: withDefault(
      boolean({ doc: 'Callers whose switch died in mid-call are called back.' }),
      true,
    ),
  },
  {
    doc: 'What is wanted.',
    rules: [
      {
        rule: 'self.number == oldSelf.number',
        message: 'number cannot be changed: make another AccessNumber and delete this one',
        fieldPath: '.number',
      },
    ],
  },
);

const status = object(
  {
    observedGeneration: optional(observedGeneration),
    number: optional(string({ doc: 'As the platform knows it.', max: 16 })),
    conditions: optional(conditions),
  },
  { doc: 'What is.' },
);

export type AccessNumberSpec = Value<typeof spec>;
export type AccessNumberStatus = Value<typeof status>;
export type AccessNumber = Resource<AccessNumberSpec, AccessNumberStatus>;

export const accessNumber: Definition<AccessNumberSpec, AccessNumberStatus> = {
  kind: 'AccessNumber',
  plural: 'accessnumbers',
  longestName: 253,
  shortNames: ['did'],
  doc: 'A number that callers dial. One resource a number, over all namespaces one operator looks at: the oldest one wins.',
  spec,
  status,
  columns: [
    { name: 'Number', type: 'string', jsonPath: '.spec.number', description: 'E.164' },
    { name: 'Mode', type: 'string', jsonPath: '.spec.mode', description: 'callback or direct' },
    { name: 'Language', type: 'string', jsonPath: '.spec.language', description: 'Before the caller is known' },
    { name: 'Unknown', type: 'string', jsonPath: '.spec.unknownCallers', description: 'Callers without account' },
    {
      name: 'Status',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="Ready")].reason',
      description: 'In a word',
    },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Since it was made' },
  ],
  example: {
    name: 'warsaw',
    spec: { number: '+48223000000', mode: 'callback', language: 'pl', unknownCallers: 'ask' },
  },
};
