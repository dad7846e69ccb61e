import { integer, list, object, oneOf, optional, string, time, type Value } from './schema.ts';

/** RFC 1123 label: names of resources in the same namespace. */
export const NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
export const IPV4_OR_CIDR = /^([0-9]{1,3}\.){3}[0-9]{1,3}(\/([0-9]|[12][0-9]|3[0-2]))?$/;
export const HOST_PORT = /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?:[0-9]{1,5}$/;
export const E164 = /^\+[1-9][0-9]{6,14}$/;
export const E164_PREFIX = /^\+[1-9][0-9]{0,14}$/;

export const region = string({
  doc: 'Where it runs. A leg goes out over the edge and trunk of the region nearest to it.',
  max: 32,
  pattern: /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
});

/** Named as every Kubernetes condition is. */
export const conditions = list(
  object(
    {
      type: string({ doc: 'What it is about.', max: 64 }),
      status: oneOf(['True', 'False', 'Unknown'], { doc: 'Whether it holds.' }),
      observedGeneration: optional(integer({ doc: 'Generation of the resource it was seen at.', wide: true })),
      lastTransitionTime: time({ doc: 'When `status` last changed.' }),
      reason: string({ doc: 'One word for programs.', max: 128 }),
      message: string({ doc: 'A sentence for people.', max: 4096 }),
    },
    { doc: 'One condition.' },
  ),
  { doc: 'What is so at the moment, and why.', max: 16, unique: ['type'] },
);

export type Condition = Value<typeof conditions>[number];

export const observedGeneration = integer({
  doc: 'Generation of the resource this status is about: smaller than `metadata.generation` while a change is not yet looked at.',
  wide: true,
});

export const imagePullPolicy = oneOf(['Always', 'IfNotPresent', 'Never'], { doc: 'When a node fetches the image.' });

export const image = (doc: string) =>
  string({
    doc,
    min: 1,
    max: 512,
    rules: [
      {
        rule: "!self.endsWith(':latest') && (self.contains('@sha256:') || self.substring(self.lastIndexOf('/') + 1).contains(':'))",
        message: 'an image must name a tag other than latest, or a digest: what runs has to be known',
      },
    ],
  });
