import { dump } from 'js-yaml';
import { customResourceDefinition } from './crd.ts';
import type { Definition } from './definition.ts';
import { accessNumber } from './kinds/access-number.ts';
import { sipEdge } from './kinds/sip-edge.ts';
import { switchPool } from './kinds/switch-pool.ts';
import { trunk } from './kinds/trunk.ts';
import { reference } from './reference.ts';

export const DEFINITIONS: readonly Definition[] = [switchPool, sipEdge, trunk, accessNumber];

/** Everything made from the definitions: path below the repository's root → content. */
export function generated(): Map<string, string> {
  const files = new Map<string, string>();
  for (const definition of DEFINITIONS) {
    // Sorted keys and no anchors: a difference is then one of meaning.
    const yaml = dump(customResourceDefinition(definition), { lineWidth: 120, noRefs: true });
    files.set(`charts/crds/crds/${definition.plural}.yaml`, `# Made by \`make generate\` from packages/crds.\n${yaml}`);
  }
  files.set('docs/custom-resources.md', reference(DEFINITIONS));
  return files;
}
