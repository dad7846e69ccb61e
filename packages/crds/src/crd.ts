import type { Definition } from './definition.ts';
import { GROUP, VERSION } from './definition.ts';
import type { Json, OpenApi, Rule } from './schema.ts';

/** Longest name Kubernetes itself allows. */
const LONGEST_NAME = 253;

function nameRule({ longestName }: Definition): Rule[] {
  if (longestName >= LONGEST_NAME) return [];
  return [
    {
      rule: `size(self.metadata.name) <= ${longestName} && !self.metadata.name.contains('.')`,
      message: `metadata.name must be at most ${longestName} characters long and have no dot: other names are made from it`,
    },
  ];
}

/** The CustomResourceDefinition of a kind, as the API server wants it. */
export function customResourceDefinition(definition: Definition): Json {
  const { kind, plural, shortNames, doc, spec, status, columns, scale } = definition;
  const rules = nameRule(definition);
  const openAPIV3Schema: OpenApi = {
    type: 'object',
    description: doc,
    required: ['spec'],
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object' },
      spec: spec.openApi,
      status: status.openApi,
    },
    ...(rules.length > 0 ? { 'x-kubernetes-validations': rules } : {}),
  };
  const subresources = {
    status: {},
    ...(scale
      ? {
          scale: {
            specReplicasPath: scale.spec,
            statusReplicasPath: scale.status,
            labelSelectorPath: scale.selector,
          },
        }
      : {}),
  };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${plural}.${GROUP}`,
      labels: { 'app.kubernetes.io/part-of': 'ringback' },
      // Helm leaves them at uninstall: with a definition all its resources would go, and switches with live calls.
      annotations: { 'helm.sh/resource-policy': 'keep' },
    },
    spec: {
      group: GROUP,
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular: kind.toLowerCase(),
        shortNames: [...shortNames],
        categories: ['ringback'],
      },
      scope: 'Namespaced',
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: openAPIV3Schema as Json },
          subresources,
          additionalPrinterColumns: columns.map(({ name, type, jsonPath, description, wide }) => ({
            name,
            type,
            jsonPath,
            description,
            ...(wide ? { priority: 1 } : {}),
          })),
        },
      ],
    },
  };
}
