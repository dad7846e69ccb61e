import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Credentials } from '@ringback/dev-sip';

const ENTITIES: Readonly<Record<string, string>> = { '&lt;': '<', '&gt;': '>', '&quot;': '"', '&amp;': '&' };

/** Value of a `<param>`; gateway files are generated, so that one form is enough. */
function param(xml: string, name: string): string {
  const value = new RegExp(`<param name="${name}" value="([^"]*)"/>`).exec(xml)?.[1] ?? '';
  return value.replace(/&(?:lt|gt|quot|amp);/g, (entity) => ENTITIES[entity] ?? entity);
}

/** sofia's gateways: credentials by name, read from a directory when it is told to (`sofia profile … rescan`). */
export class Gateways {
  readonly #directory: string | undefined;
  #known = new Map<string, Credentials>();

  constructor(directory: string | undefined) {
    this.#directory = directory;
    this.rescan();
  }

  /** Adds what is new and changes what changed; as in sofia, a file that is gone takes none away. */
  rescan(): void {
    if (this.#directory === undefined) return;
    for (const file of readdirSync(this.#directory).filter((name) => name.endsWith('.xml'))) {
      const xml = readFileSync(join(this.#directory, file), 'utf8');
      const name = /<gateway name="([^"]+)"/.exec(xml)?.[1];
      if (name === undefined) continue;
      this.#known.set(name, { username: param(xml, 'username'), password: param(xml, 'password') });
    }
  }

  credentials(name: string): Credentials | undefined {
    return this.#known.get(name);
  }

  remove(name: string): void {
    this.#known.delete(name);
  }
}
