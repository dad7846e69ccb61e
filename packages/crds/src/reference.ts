import { dump } from 'js-yaml';
import { API_VERSION, type Definition } from './definition.ts';
import type { Fields, OpenApi, Rule } from './schema.ts';

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const code = (text: string): string => `\`${text}\``;

function rulesOf(openApi: OpenApi): readonly Rule[] {
  return (openApi['x-kubernetes-validations'] as readonly Rule[] | undefined) ?? [];
}

function typeOf(openApi: OpenApi): string {
  if (openApi['x-kubernetes-int-or-string'] === true) return 'quantity';
  if (openApi.type === 'array') return `list of ${typeOf(openApi.items ?? {})}`;
  if (openApi.additionalProperties !== undefined) return `map of ${typeOf(openApi.additionalProperties)}`;
  if (openApi['format'] === 'date-time') return 'time';
  return openApi.type ?? 'any';
}

function allowed(openApi: OpenApi): string[] {
  const { enum: values, minimum, maximum, pattern, minItems } = openApi as Record<string, never>;
  const parts: string[] = [];
  if (values !== undefined) parts.push(`one of ${(values as unknown[]).map((v) => code(String(v))).join(', ')}`);
  if (minimum !== undefined && maximum !== undefined) parts.push(`${String(minimum)} to ${String(maximum)}`);
  else if (minimum !== undefined) parts.push(`at least ${String(minimum)}`);
  if (minItems !== undefined) parts.push(`at least ${String(minItems)}`);
  if (pattern !== undefined) parts.push(code(String(pattern)));
  if (openApi.items) parts.push(...allowed(openApi.items));
  return parts;
}

function rows(fields: Fields, prefix: string, withPresence: boolean): string[] {
  return Object.entries(fields).flatMap(([name, field]) => {
    const path = `${prefix}${name}`;
    const { openApi } = field;
    const inside = openApi.type === 'array' ? `${path}[].` : `${path}.`;
    const standard =
      'default' in openApi
        ? code(JSON.stringify(openApi['default']))
        : field.presence === 'required'
          ? '**required**'
          : '';
    const limits = allowed(openApi);
    const text = `${openApi.description ?? ''}${limits.length > 0 ? ` (${limits.join('; ')})` : ''}`;
    const row = withPresence
      ? `| ${code(path)} | ${typeOf(openApi)} | ${cell(standard)} | ${cell(text)} |`
      : `| ${code(path)} | ${typeOf(openApi)} | ${cell(openApi.description ?? '')} |`;
    return [row, ...(field.fields ? rows(field.fields, inside, withPresence) : [])];
  });
}

function sentences(fields: Fields): string[] {
  return Object.values(fields).flatMap(({ openApi, fields: inner }) => [
    ...rulesOf(openApi).map((rule) => rule.message),
    ...(openApi.items ? rulesOf(openApi.items).map((rule) => rule.message) : []),
    ...(inner ? sentences(inner) : []),
  ]);
}

function chapter(definition: Definition): string {
  const { kind, plural, shortNames, doc, spec, status, columns, scale, example } = definition;
  const refused = [...new Set([...rulesOf(spec.openApi).map((r) => r.message), ...sentences(spec.fields ?? {})])];
  const resource = { apiVersion: API_VERSION, kind, metadata: { name: example.name }, spec: example.spec };
  const scaling = scale ? ' `kubectl scale` and an HPA work on it.' : '';
  return [
    `## ${kind}`,
    '',
    `${doc}${scaling}`,
    '',
    `\`kubectl get ${plural}\` (short: ${shortNames.map(code).join(', ')}) shows ${columns.map((c) => c.name).join(', ')}.`,
    '',
    '```yaml',
    dump(resource, { lineWidth: 120 }).trimEnd(),
    '```',
    '',
    '| `spec.` | type | default | meaning |',
    '| --- | --- | --- | --- |',
    ...rows(spec.fields ?? {}, '', true),
    '',
    'Refused by the API server besides:',
    '',
    ...refused.map((sentence) => `- ${sentence}`),
    '',
    '| `status.` | type | meaning |',
    '| --- | --- | --- |',
    ...rows(status.fields ?? {}, '', false),
    '',
  ].join('\n');
}

/** The reference of all kinds, Markdown. */
export function reference(definitions: readonly Definition[]): string {
  return [
    '# Custom resources',
    '',
    `Made by \`make generate\` from \`packages/crds\`; API version \`${API_VERSION}\`. What is not set gets its default from the API server.`,
    '',
    ...definitions.map(chapter),
  ].join('\n');
}
