/** An XML element; text never stands in FreeSWITCH's configuration, so there is none. */
export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly Element[];
}

export function element(
  name: string,
  attributes: Readonly<Record<string, string>> = {},
  children: readonly Element[] = [],
): Element {
  return { name, attributes, children };
}

/** `<param name= value=/>`, what most of FreeSWITCH's configuration consists of. */
export const params = (values: Readonly<Record<string, string | number | boolean>>): Element[] =>
  Object.entries(values).map(([name, value]) => element('param', { name, value: String(value) }));

export function render(root: Element, depth = 0): string {
  const indent = '  '.repeat(depth);
  const attributes = Object.entries(root.attributes).map(([name, value]) => ` ${name}="${escape(value)}"`);
  const open = `${indent}<${root.name}${attributes.join('')}`;
  if (root.children.length === 0) return `${open}/>\n`;
  return `${open}>\n${root.children.map((c) => render(c, depth + 1)).join('')}${indent}</${root.name}>\n`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escape = (text: string): string => text.replace(/[&<>"]/g, (c) => ENTITIES[c] ?? c);
