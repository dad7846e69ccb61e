import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { type Defect, DEFECTS, type DefectName, withDefect } from './defects.ts';

const ROOT = new URL('../../', import.meta.url);

/**
 * From now on this thread loads the product with that defect. To be called before anything of the product is loaded.
 * @throws Error for a defect that nobody knows, or whose place is no longer in the source.
 */
export function mutate(name: string): void {
  if (!Object.hasOwn(DEFECTS, name))
    throw new Error(`no such defect: ${name}; there are ${Object.keys(DEFECTS).join(', ')}`);
  const defect: Defect = DEFECTS[name as DefectName];
  const wanted = new URL(defect.file, ROOT).href;
  const changed = withDefect(readFileSync(fileURLToPath(wanted), 'utf8'), defect);
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context);
      return url === wanted ? { ...loaded, source: changed } : loaded;
    },
  });
}
