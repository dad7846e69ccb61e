export interface XmlNode {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: XmlNode[];
}

const NAME = '[A-Za-z_][A-Za-z0-9_.-]*';
const TAG = new RegExp(`<(/?)(${NAME})((?:\\s+${NAME}="[^"<]*")*)\\s*(/?)>`, 'y');

/** Reads elements and attributes of well-formed XML without text; throws at the first thing that is not. */
export function parseXml(text: string): XmlNode {
  const body = text.replace(/^<\?xml [^?]*\?>/, '');
  const top: XmlNode = { name: '', attributes: {}, children: [] };
  const open = [top];
  let at = 0;
  while (true) {
    while (/\s/.test(body[at] ?? '')) at += 1;
    if (at >= body.length) break;
    TAG.lastIndex = at;
    const match = TAG.exec(body);
    if (match === null) throw new Error(`no tag at ${at}: ${body.slice(at, at + 60)}`);
    at = TAG.lastIndex;
    const [, closing, name = '', rawAttributes = '', empty] = match;
    const parent = open.at(-1);
    if (parent === undefined) throw new Error('more than one root');
    if (closing === '/') {
      if (parent.name !== name || open.length === 1) throw new Error(`</${name}> closes <${parent.name}>`);
      open.pop();
      continue;
    }
    const node: XmlNode = { name, attributes: attributes(rawAttributes), children: [] };
    parent.children.push(node);
    if (empty !== '/') open.push(node);
  }
  const [root] = top.children;
  if (open.length !== 1 || root === undefined || top.children.length !== 1) throw new Error('not one closed root');
  return root;
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function attributes(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [, name = '', value = ''] of text.matchAll(new RegExp(`(${NAME})="([^"]*)"`, 'g'))) {
    if (name in found) throw new Error(`attribute ${name} twice`);
    if (/&(?!(amp|lt|gt|quot|apos);)/.test(value)) throw new Error(`bare & in ${value}`);
    found[name] = value.replace(/&(amp|lt|gt|quot|apos);/g, (_, entity: string) => ENTITIES[entity] ?? '');
  }
  return found;
}
