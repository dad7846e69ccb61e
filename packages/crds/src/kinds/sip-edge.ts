import { conditions, image, imagePullPolicy, NAME, observedGeneration, region } from '../common.ts';
import type { Definition, Resource } from '../definition.ts';
import {
  anything,
  boolean,
  integer,
  list,
  map,
  object,
  oneOf,
  optional,
  string,
  time,
  type Value,
  withDefault,
} from '../schema.ts';

const IPV4 = /^([0-9]{1,3}\.){3}[0-9]{1,3}$/;

const port = (doc: string) => integer({ doc, min: 1, max: 65_535 });

const floodLimits = object(
  {
    unknownSourceRequests: withDefault(integer({ doc: 'Requests of one unknown address …', min: 1, max: 10_000 }), 20),
    unknownSourceSeconds: withDefault(
      integer({ doc: '… in so many seconds; beyond it the address is ignored …', min: 1, max: 60 }),
      2,
    ),
    unknownSourceBanSeconds: withDefault(integer({ doc: '… for so long.', min: 1, max: 86_400 }), 60),
    trunkRequestsPerSecond: withDefault(
      integer({ doc: 'All requests of one trunk a second; more are dropped and counted.', min: 1, max: 100_000 }),
      500,
    ),
    maxMessageBytes: withDefault(integer({ doc: 'Larger SIP messages get 513.', min: 1024, max: 65_535 }), 8192),
  },
  { doc: 'What the edge does not put up with.' },
);

const timers = object(
  {
    switchReplyMs: withDefault(
      integer({ doc: 'No reply at all from a switch: the next one is tried after this.', min: 500, max: 10_000 }),
      2000,
    ),
    trunkReplyMs: withDefault(
      integer({ doc: 'No reply at all from a gateway: 503 to the switch after this.', min: 500, max: 30_000 }),
      4000,
    ),
    finalReplyMs: withDefault(
      integer({ doc: 'No final reply after a provisional one.', min: 30_000, max: 600_000 }),
      120_000,
    ),
  },
  { doc: 'Milliseconds.' },
);

const spec = object(
  {
    region,
    replicas: withDefault(integer({ doc: 'Edges. With `Host` each on a node of its own.', min: 0, max: 50 }), 2),
    pools: list(string({ doc: 'Name of a SwitchPool in the same namespace.', max: 63, pattern: NAME }), {
      doc: 'Pools behind it: calls are spread over their switches, one after the other.',
      min: 1,
      max: 16,
      unique: 'set',
    }),
    image: optional(image('Kamailio; the operator’s default when not set.')),
    agentImage: optional(image('The edge-agent; the operator’s own image when not set.')),
    imagePullPolicy: optional(imagePullPolicy),
    network: withDefault(
      oneOf(['Host', 'Pod'], {
        doc: '`Host`: the node’s own address, off kube-proxy’s virtual IPs, whose conntrack swallows UDP. `Pod`: the cluster’s network.',
      }),
      'Host',
    ),
    port: withDefault(port('SIP, UDP always.'), 5060),
    tcp: withDefault(boolean({ doc: 'TCP besides, on the same port.' }), false),
    advertise: optional(
      object(
        {
          host: optional(string({ doc: 'IPv4 address; the Pod’s own when not set.', max: 15, pattern: IPV4 })),
          port: optional(port('`port` when not set.')),
        },
        {
          doc: 'Address that carriers and switches reach it at: Via, Record-Route. It must stay the same over restarts.',
        },
      ),
    ),
    unknownSources: withDefault(
      oneOf(['drop', 'forbid'], { doc: 'What an address that is neither trunk nor switch gets: silence, or 403.' }),
      'drop',
    ),
    floodLimits: withDefault(floodLimits, {}),
    timers: withDefault(timers, {}),
    probeIntervalSeconds: withDefault(
      integer({ doc: 'OPTIONS to every switch; a good answer revives a silent one. 0: none.', min: 0, max: 3600 }),
      2,
    ),
    workers: withDefault(integer({ doc: 'Kamailio’s receivers.', min: 1, max: 16 }), 2),
    sharedMemoryMiB: withDefault(integer({ doc: 'Kamailio’s shared memory.', min: 16, max: 4096 }), 64),
    logLevel: withDefault(oneOf(['error', 'warn', 'notice', 'info'], { doc: 'Of Kamailio.' }), 'notice'),
    drainLimitSeconds: withDefault(
      integer({ doc: 'An edge that is replaced waits so long for its open transactions.', min: 10, max: 600 }),
      150,
    ),
    nodeSelector: withDefault(
      map(string({ doc: 'Value of the label.', max: 63 }), { doc: 'Labels of the nodes that may run edges.', max: 16 }),
      {},
    ),
    tolerations: withDefault(
      list(anything({ doc: 'As in a Pod.', type: 'object' }), { doc: 'Taints the edges bear.', max: 16 }),
      [],
    ),
    priorityClassName: optional(string({ doc: 'Priority of the Pods.', max: 253, pattern: NAME })),
    paused: withDefault(boolean({ doc: 'No edge is added, replaced or taken away.' }), false),
  },
  {
    doc: 'What is wanted.',
    rules: [
      {
        rule: 'self.region == oldSelf.region',
        message: 'region cannot be changed: make a new edge and delete this one',
        fieldPath: '.region',
      },
      {
        rule: '!has(self.advertise) || !has(self.advertise.host) || self.replicas <= 1',
        message: 'advertise.host is one address and can be that of one edge only: set replicas to 1, or leave it out',
        fieldPath: '.advertise',
      },
      {
        rule: '!has(self.advertise) || !has(self.advertise.host) || isIP(self.advertise.host)',
        message: 'advertise.host must be an IPv4 address such as 192.0.2.1',
        fieldPath: '.advertise',
      },
    ],
  },
);

const status = object(
  {
    observedGeneration: optional(observedGeneration),
    replicas: optional(integer({ doc: 'Edges there are.' })),
    ready: optional(integer({ doc: 'Edges that take calls.' })),
    updated: optional(integer({ doc: 'Edges of the newest revision.' })),
    revision: optional(string({ doc: 'Of image and configuration.', max: 63 })),
    selector: optional(string({ doc: 'Label selector of the Pods, for the scale subresource.', max: 512 })),
    switches: optional(integer({ doc: 'Switches of its pools that take calls.' })),
    edges: optional(
      list(
        object(
          {
            name: string({ doc: 'Name of the Pod.', max: 253 }),
            address: string({ doc: 'Where it takes SIP.', max: 64 }),
            ready: boolean({ doc: 'It takes calls.' }),
            drainingSince: optional(time({ doc: 'When it was told to go.' })),
          },
          { doc: 'One edge.' },
        ),
        { doc: 'One by one.', max: 50, unique: ['name'] },
      ),
    ),
    conditions: optional(conditions),
  },
  { doc: 'What is.' },
);

export type SipEdgeSpec = Value<typeof spec>;
export type SipEdgeStatus = Value<typeof status>;
export type SipEdge = Resource<SipEdgeSpec, SipEdgeStatus>;

export const sipEdge: Definition<SipEdgeSpec, SipEdgeStatus> = {
  kind: 'SipEdge',
  plural: 'sipedges',
  longestName: 40,
  shortNames: ['edge'],
  doc: 'Kamailio in front of switch pools: checks what comes in, spreads calls over the switches, takes outbound calls to the trunks.',
  spec,
  status,
  scale: { spec: '.spec.replicas', status: '.status.replicas', selector: '.status.selector' },
  columns: [
    { name: 'Region', type: 'string', jsonPath: '.spec.region', description: 'Where it runs' },
    { name: 'Desired', type: 'integer', jsonPath: '.spec.replicas', description: 'Edges wanted' },
    { name: 'Ready', type: 'integer', jsonPath: '.status.ready', description: 'Edges that take calls' },
    { name: 'Updated', type: 'integer', jsonPath: '.status.updated', description: 'Of the newest revision' },
    {
      name: 'Switches',
      type: 'integer',
      jsonPath: '.status.switches',
      description: 'Switches behind it that take calls',
    },
    {
      name: 'Status',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="Ready")].reason',
      description: 'In a word',
    },
    {
      name: 'Addresses',
      type: 'string',
      jsonPath: '.status.edges[*].address',
      description: 'Where they take SIP',
      wide: true,
    },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Since it was made' },
  ],
  example: {
    name: 'main',
    spec: { region: 'eu-central', replicas: 2, pools: ['main'], nodeSelector: { 'ringback.dev/edges': 'true' } },
  },
};
