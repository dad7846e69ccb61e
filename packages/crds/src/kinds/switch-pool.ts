import { conditions, IPV4_OR_CIDR, image, imagePullPolicy, NAME, observedGeneration, region } from '../common.ts';
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
  quantity,
  string,
  time,
  type Value,
  withDefault,
} from '../schema.ts';

const port = (doc: string) => integer({ doc, min: 1024, max: 65_535 });

const mediaPorts = object(
  { from: port('First port.'), to: port('Last port.') },
  {
    doc: 'RTP ports. With `Host` each switch on a node takes a range of its own out of it, two ports for each of `callsPerSwitch`.',
    rules: [
      { rule: 'self.from < self.to', message: 'mediaPorts.from must be below mediaPorts.to' },
      { rule: 'self.from % 2 == 0', message: 'mediaPorts.from must be even: RTP ports are (RFC 3550)' },
      {
        rule: 'self.to < 30000 || self.from > 32767',
        message: 'mediaPorts must stay clear of 30000–32767, where Kubernetes puts NodePorts',
      },
    ],
  },
);

const address = (what: string) =>
  withDefault(
    oneOf(['PodIP', 'NodeInternalIP', 'NodeExternalIP'], {
      doc: `Address at which ${what}. \`NodeExternalIP\` and \`NodeInternalIP\` are those of the switch’s node.`,
    }),
    'PodIP',
  );

const network = object(
  {
    mode: withDefault(
      oneOf(['Pod', 'Host'], {
        doc: '`Host`: the node’s own network, without conntrack and NAT for media; ports are chosen so that switches on a node do not meet. `Pod`: the cluster’s network.',
      }),
      'Pod',
    ),
    mediaPorts: withDefault(mediaPorts, { from: 16_384, to: 29_999 }),
    sipPort: withDefault(
      port('SIP, UDP and TCP. With `Host` the first switch of a node; the next ones follow in steps of 10.'),
      5080,
    ),
    eslPort: withDefault(port('Event socket, on loopback only. With `Host` as for `sipPort`.'), 8021),
    agentPort: withDefault(port('Probes and metrics of the switch-agent. With `Host` as for `sipPort`.'), 9080),
    advertise: withDefault(
      object(
        { signalling: address('edges reach the switch by SIP'), media: address('the far end reaches it by RTP') },
        { doc: 'Addresses told to others; those a switch binds are its Pod’s.' },
      ),
      {},
    ),
  },
  {
    doc: 'How the switches are reached.',
    rules: [
      {
        rule: "self.mode == 'Host' || (self.advertise.signalling == 'PodIP' && self.advertise.media == 'PodIP')",
        message:
          'a node’s address can be advertised only with network.mode Host: the node does not pass SIP and RTP on to a Pod',
      },
      {
        rule: 'self.sipPort != self.agentPort && self.sipPort != self.eslPort && self.agentPort != self.eslPort',
        message: 'sipPort, eslPort and agentPort must differ',
      },
    ],
  },
);

const percent = (doc: string) => integer({ doc, min: 1, max: 100 });

const scaling = object(
  {
    targetUtilisation: withDefault(
      percent('Calls in percent of what the switches can carry; above it switches are added.'),
      60,
    ),
    lowUtilisation: withDefault(
      percent('Switches are taken away only if what stays would still be at or below this percentage.'),
      40,
    ),
    spareSwitches: withDefault(integer({ doc: 'Switches kept beyond what the load asks for.', min: 0, max: 50 }), 0),
    scaleDownAfterSeconds: withDefault(
      integer({ doc: 'The load must have asked for fewer switches for so long.', min: 0, max: 86_400 }),
      300,
    ),
  },
  {
    doc: 'How the operator follows the load while `replicas` is not set.',
    rules: [
      {
        rule: 'self.lowUtilisation < self.targetUtilisation',
        message: 'lowUtilisation must be below targetUtilisation, or switches would come and go at each call',
      },
    ],
  },
);

const resources = object(
  {
    cpu: withDefault(
      integer({
        doc: 'Whole CPUs, requested and not limited in time slices: a throttled switch stutters. 0: none are requested, for trying out.',
        min: 0,
        max: 64,
      }),
      1,
    ),
    memory: withDefault(quantity({ doc: 'Requested, and the limit.' }), '1Gi'),
  },
  { doc: 'What the switch gets of its node.' },
);

const spec = object(
  {
    region,
    minSwitches: withDefault(integer({ doc: 'Fewest switches.', min: 0, max: 500 }), 1),
    maxSwitches: withDefault(integer({ doc: 'Most switches.', min: 1, max: 500 }), 10),
    replicas: optional(
      integer({
        doc: 'Switches wanted. Not set: the operator follows the load. Set (`kubectl scale`, an HPA): exactly so many.',
        min: 0,
        max: 500,
      }),
    ),
    callsPerSwitch: withDefault(
      integer({ doc: 'Calls (legs) up at once on a switch; beyond it is not ready.', min: 1, max: 5000 }),
      500,
    ),
    callsPerSecondPerSwitch: withDefault(
      integer({ doc: 'New calls (legs) a second a switch takes.', min: 2, max: 1000 }),
      90,
    ),
    scaling: withDefault(scaling, {}),
    codecs: withDefault(
      list(oneOf(['PCMA', 'PCMU', 'G722', 'OPUS'], { doc: 'A codec.' }), {
        doc: 'Offered and taken, in this order. G.722 and Opus cost capacity.',
        min: 1,
        max: 4,
        unique: 'set',
        rules: [
          {
            rule: "self.exists(c, c == 'PCMA' || c == 'PCMU')",
            message: 'codecs must hold PCMA or PCMU: every carrier takes one of them',
          },
        ],
      }),
      ['PCMA', 'PCMU'],
    ),
    network: withDefault(network, {}),
    drainLimitSeconds: withDefault(
      integer({
        doc: 'Calls on a switch that is taken away may last so long; then they are reported and ended.',
        min: 60,
        max: 86_400,
      }),
      14_400,
    ),
    replaceUnhealthyAfterSeconds: withDefault(
      integer({
        doc: 'A switch that is not ready for so long although it should be gets a successor. It is taken away only when its calls are over.',
        min: 5,
        max: 3600,
      }),
      30,
    ),
    maxSurge: withDefault(
      integer({
        doc: 'Switches beyond the wanted number while an image or configuration is rolled out.',
        min: 1,
        max: 50,
      }),
      1,
    ),
    paused: withDefault(boolean({ doc: 'No switch is added, replaced or taken away.' }), false),
    switch: object(
      {
        image: image(
          'The switch. FreeSWITCH is your choice; it needs sofia, event_socket, dptools, commands, sndfile, native_file, json_cdr and their like.',
        ),
        imagePullPolicy: optional(imagePullPolicy),
        configuration: withDefault(
          oneOf(['FreeSWITCH', 'DevSwitch'], { doc: 'Which configuration is generated; `DevSwitch` is for tests.' }),
          'FreeSWITCH',
        ),
        resources: withDefault(resources, {}),
      },
      { doc: 'The switch itself.' },
    ),
    agent: withDefault(
      object(
        {
          image: optional(image('The switch-agent; the operator’s own image when not set.')),
          imagePullPolicy: optional(imagePullPolicy),
        },
        { doc: 'Its sidecar.' },
      ),
      {},
    ),
    allowedEdges: withDefault(
      list(string({ doc: 'IPv4 address or CIDR.', max: 18, pattern: IPV4_OR_CIDR }), {
        doc: 'Further sources of SIP, besides the edges whose `pools` name this one.',
        max: 32,
        unique: 'set',
      }),
      [],
    ),
    nodeSelector: withDefault(
      map(string({ doc: 'Value of the label.', max: 63 }), {
        doc: 'Labels of the nodes that may run switches.',
        max: 16,
      }),
      {},
    ),
    tolerations: withDefault(
      list(anything({ doc: 'As in a Pod.', type: 'object' }), { doc: 'Taints the switches bear.', max: 16 }),
      [],
    ),
    priorityClassName: optional(string({ doc: 'Priority of the Pods.', max: 253, pattern: NAME })),
  },
  {
    doc: 'What is wanted.',
    rules: [
      { rule: 'self.minSwitches <= self.maxSwitches', message: 'minSwitches must not be above maxSwitches' },
      {
        rule: '!has(self.replicas) || (self.replicas >= self.minSwitches && self.replicas <= self.maxSwitches)',
        message: 'replicas must be from minSwitches to maxSwitches',
        fieldPath: '.replicas',
      },
      {
        rule: 'self.network.mediaPorts.to - self.network.mediaPorts.from + 1 >= self.callsPerSwitch * 2',
        message: 'network.mediaPorts must hold two ports for each of callsPerSwitch',
        fieldPath: '.network.mediaPorts',
      },
      {
        rule: 'self.region == oldSelf.region',
        message: 'region cannot be changed: its calls are where they are; make a new pool and delete this one',
        fieldPath: '.region',
      },
      {
        rule: 'self.network.mode == oldSelf.network.mode',
        message: 'network.mode cannot be changed: make a new pool and delete this one',
        fieldPath: '.network',
      },
    ],
  },
);

const status = object(
  {
    observedGeneration: optional(observedGeneration),
    replicas: optional(integer({ doc: 'Switches that take calls or will: draining ones are not counted.' })),
    desired: optional(integer({ doc: 'Switches wanted, by `replicas` or by the load.' })),
    ready: optional(integer({ doc: 'Switches that take calls.' })),
    draining: optional(integer({ doc: 'Switches that wait for their last call to end.' })),
    updated: optional(integer({ doc: 'Switches of the newest revision.' })),
    calls: optional(integer({ doc: 'Calls (legs) up on all of them.' })),
    callsPerSecond: optional(integer({ doc: 'New calls (legs) a second, in the last seconds.' })),
    capacity: optional(integer({ doc: 'Calls that the ready switches can carry.' })),
    utilisation: optional(integer({ doc: 'Percent of the capacity in use.' })),
    revision: optional(string({ doc: 'Of image and configuration; a Pod carries it as a label.', max: 63 })),
    selector: optional(string({ doc: 'Label selector of the Pods, for the scale subresource.', max: 512 })),
    scaleDownSince: optional(time({ doc: 'Since when the load has asked for fewer switches.' })),
    stragglers: optional(
      list(
        object(
          {
            switch: string({ doc: 'Name of the Pod.', max: 253 }),
            calls: integer({ doc: 'Calls still up.' }),
            drainingSince: time({ doc: 'When its drain began.' }),
            overdue: boolean({ doc: 'Its drain has passed `drainLimitSeconds`.' }),
          },
          { doc: 'A draining switch with calls.' },
        ),
        { doc: 'Switches that cannot go yet, longest first.', max: 100, unique: ['switch'] },
      ),
    ),
    conditions: optional(conditions),
  },
  { doc: 'What is.' },
);

export type SwitchPoolSpec = Value<typeof spec>;
export type SwitchPoolStatus = Value<typeof status>;
export type SwitchPool = Resource<SwitchPoolSpec, SwitchPoolStatus>;

export const switchPool: Definition<SwitchPoolSpec, SwitchPoolStatus> = {
  kind: 'SwitchPool',
  plural: 'switchpools',
  longestName: 40,
  shortNames: ['swp'],
  doc: 'A pool of switches of one kind in one region. The operator owns one Pod a switch, and takes away only those without calls.',
  spec,
  status,
  scale: { spec: '.spec.replicas', status: '.status.replicas', selector: '.status.selector' },
  columns: [
    { name: 'Region', type: 'string', jsonPath: '.spec.region', description: 'Where it runs' },
    { name: 'Desired', type: 'integer', jsonPath: '.status.desired', description: 'Switches wanted' },
    { name: 'Ready', type: 'integer', jsonPath: '.status.ready', description: 'Switches that take calls' },
    { name: 'Updated', type: 'integer', jsonPath: '.status.updated', description: 'Of the newest revision' },
    { name: 'Draining', type: 'integer', jsonPath: '.status.draining', description: 'Waiting for their last call' },
    { name: 'Calls', type: 'integer', jsonPath: '.status.calls', description: 'Legs up' },
    { name: 'Use%', type: 'integer', jsonPath: '.status.utilisation', description: 'Percent of capacity in use' },
    {
      name: 'Status',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="Ready")].reason',
      description: 'In a word',
    },
    {
      name: 'Message',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="Ready")].message',
      description: 'In a sentence',
      wide: true,
    },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Since it was made' },
  ],
  example: {
    name: 'main',
    spec: {
      region: 'eu-central',
      minSwitches: 2,
      maxSwitches: 20,
      callsPerSwitch: 500,
      switch: { image: 'registry.example.net/freeswitch:1.11.1', resources: { cpu: 4, memory: '4Gi' } },
      nodeSelector: { 'ringback.dev/switches': 'true' },
      network: { mode: 'Host', advertise: { signalling: 'NodeInternalIP', media: 'NodeExternalIP' } },
    },
  },
};
