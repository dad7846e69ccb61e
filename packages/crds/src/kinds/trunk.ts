import { conditions, E164_PREFIX, HOST_PORT, IPV4_OR_CIDR, observedGeneration } from '../common.ts';
import type { Definition, Resource } from '../definition.ts';
import { boolean, integer, list, object, oneOf, optional, string, type Value, withDefault } from '../schema.ts';

const spec = object(
  {
    direction: withDefault(
      oneOf(['both', 'inbound', 'outbound'], { doc: 'Which calls it carries, seen from the platform.' }),
      'both',
    ),
    sources: withDefault(
      list(
        string({
          doc: 'IPv4 address or CIDR.',
          max: 18,
          pattern: IPV4_OR_CIDR,
          rules: [
            {
              rule: "self.contains('/') ? isCIDR(self) : isIP(self)",
              message: 'must be an IPv4 address such as 192.0.2.1, or a CIDR such as 192.0.2.0/24',
            },
            {
              rule: "!self.endsWith('/0')",
              message: 'a source of /0 would make the whole Internet this carrier',
            },
          ],
        }),
        { doc: 'Where its requests come from. No address may belong to two trunks.', max: 64, unique: 'set' },
      ),
      [],
    ),
    gateway: optional(
      string({
        doc: 'host:port that calls go out to, by SIP over UDP.',
        max: 260,
        pattern: HOST_PORT,
        rules: [
          {
            rule: "int(self.substring(self.lastIndexOf(':') + 1)) >= 1 && int(self.substring(self.lastIndexOf(':') + 1)) <= 65535",
            message: 'the port of the gateway must be from 1 to 65535',
          },
        ],
      }),
    ),
    trusted: withDefault(
      boolean({ doc: 'Its caller IDs are verified by the carrier, and may authorise a caller without PIN.' }),
      false,
    ),
    country: string({ doc: 'ISO 3166-1 alpha-2: its national numbers are read in it.', max: 2, pattern: /^[A-Z]{2}$/ }),
    identity: withDefault(
      oneOf(['pai', 'rpid', 'from'], {
        doc: 'Where the caller’s number stands: P-Asserted-Identity, Remote-Party-ID or From.',
      }),
      'pai',
    ),
    numberFormat: withDefault(
      oneOf(['e164plus', 'e164', '00'], { doc: 'How it wants numbers: +44…, 44… or 0044….' }),
      'e164plus',
    ),
    prefixes: withDefault(
      list(string({ doc: 'E.164 with +.', max: 16, pattern: E164_PREFIX }), {
        doc: 'Destinations it takes; empty: all.',
        max: 1000,
        unique: 'set',
      }),
      [],
    ),
    priority: withDefault(integer({ doc: 'Lower first.', min: 0, max: 1000 }), 100),
    callsPerSecond: withDefault(
      integer({ doc: 'New calls a second, in each direction; 0: no limit.', min: 0, max: 10_000 }),
      0,
    ),
    forwardCallerId: withDefault(
      boolean({ doc: 'A caller’s own number may be shown to the destination; otherwise one of the platform’s.' }),
      false,
    ),
    paused: withDefault(boolean({ doc: 'No new calls over it; those that are up go on.' }), false),
  },
  {
    doc: 'What is wanted.',
    rules: [
      {
        rule: "self.direction == 'outbound' || size(self.sources) > 0",
        message: 'a trunk that takes calls in needs sources: requests from elsewhere are not its own',
        fieldPath: '.sources',
      },
      {
        rule: "self.direction == 'inbound' || has(self.gateway)",
        message: 'a trunk that takes calls out needs a gateway, host:port',
      },
      {
        rule: "self.direction != 'inbound' || !has(self.gateway)",
        message: 'an inbound trunk has no gateway: leave it out, or set direction to both',
        fieldPath: '.gateway',
      },
      {
        rule: "self.direction != 'outbound' || size(self.sources) == 0",
        message: 'an outbound trunk has no sources: leave them out, or set direction to both',
        fieldPath: '.sources',
      },
      {
        rule: "!self.trusted || self.identity != 'from'",
        message: 'From is whatever the caller writes: a trusted trunk needs identity pai or rpid',
        fieldPath: '.identity',
      },
    ],
  },
);

const status = object(
  {
    observedGeneration: optional(observedGeneration),
    id: optional(string({ doc: 'What the platform knows it as.', max: 63 })),
    conditions: optional(conditions),
  },
  { doc: 'What is.' },
);

export type TrunkSpec = Value<typeof spec>;
export type TrunkStatus = Value<typeof status>;
export type Trunk = Resource<TrunkSpec, TrunkStatus>;

export const trunk: Definition<TrunkSpec, TrunkStatus> = {
  kind: 'Trunk',
  plural: 'trunks',
  longestName: 63,
  shortNames: ['trk'],
  doc: 'A carrier’s SIP gateway. The platform knows it by `metadata.name`; names are unique over all namespaces one operator looks at.',
  spec,
  status,
  columns: [
    { name: 'Direction', type: 'string', jsonPath: '.spec.direction', description: 'Calls it carries' },
    { name: 'Gateway', type: 'string', jsonPath: '.spec.gateway', description: 'Where calls go out to' },
    { name: 'Priority', type: 'integer', jsonPath: '.spec.priority', description: 'Lower first' },
    { name: 'CPS', type: 'integer', jsonPath: '.spec.callsPerSecond', description: 'New calls a second' },
    { name: 'Paused', type: 'boolean', jsonPath: '.spec.paused', description: 'No new calls' },
    {
      name: 'Status',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="Ready")].reason',
      description: 'In a word',
    },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Since it was made' },
  ],
  example: {
    name: 'carrier-pl',
    spec: {
      sources: ['192.0.2.0/28'],
      gateway: 'sip.carrier.example:5060',
      country: 'PL',
      trusted: true,
      prefixes: ['+48'],
      callsPerSecond: 20,
    },
  },
};
