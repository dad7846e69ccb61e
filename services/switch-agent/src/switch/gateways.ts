import { createHash } from 'node:crypto';
import { chmod, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { sw } from '@ringback/contracts';
import { EslError } from '@ringback/esl';
import { gatewayFile } from '@ringback/freeswitch-config-gen';
import type { Esl } from './traced-esl.ts';

/** Where gateway files are; the disk, but for a simulation. */
export interface GatewayFiles {
  write(name: string, content: string): Promise<void>;
  /** Names of all there are, without `.xml`. */
  list(): Promise<string[]>;
  remove(name: string): Promise<void>;
}

export function gatewayFilesIn(directory: string): GatewayFiles {
  const path = (name: string): string => join(directory, `${name}.xml`);
  return {
    async write(name, content) {
      await mkdir(directory, { recursive: true });
      const draft = join(directory, `${name}.new`);
      await writeFile(draft, content, { mode: 0o600 });
      await chmod(draft, 0o600);
      await rename(draft, path(name));
    },
    async list() {
      const files = await readdir(directory);
      return files.filter((file) => file.endsWith('.xml')).map((file) => file.slice(0, -'.xml'.length));
    },
    remove: (name) => rm(path(name), { force: true }),
  };
}

export interface GatewaysOptions {
  esl: Esl;
  profile: string;
  /** Undefined: the switch reads no gateways. */
  files: GatewayFiles | undefined;
  /** Opens a trunk's sealed password. @throws SealError */
  open: (sealed: Uint8Array, trunkId: string) => string;
}

/**
 * The switch's gateways: credentials of trunks that want digest authentication. One is made when the first call needs it, and
 * again when the trunk's credentials have changed: nothing has to be told to switches beforehand.
 */
export class Gateways {
  readonly #o: GatewaysOptions;
  /** One at a time: each rescan reads all files. */
  #chain: Promise<unknown> = Promise.resolve();

  constructor(options: GatewaysOptions) {
    this.#o = options;
  }

  /**
   * Name for `sip_use_gateway`; empty for a trunk that wants no credentials.
   * @throws EslError when the switch does not take it.
   */
  async nameFor({ trunkId, credentials }: sw.Dial): Promise<string> {
    if (!credentials) return '';
    const { username, sealedPassword } = credentials;
    const version = createHash('sha256')
      .update(username)
      .update('\0')
      .update(sealedPassword)
      .digest('hex')
      .slice(0, 12);
    const name = `${trunkId}-${version}`;
    if (await this.#knows(name)) return name;
    const made = this.#chain.then(() => this.#make(name, trunkId, username, sealedPassword));
    this.#chain = made.catch(() => undefined);
    await made;
    return name;
  }

  async #make(name: string, trunkId: string, username: string, sealedPassword: Uint8Array): Promise<void> {
    const { files, esl, profile, open } = this.#o;
    if (await this.#knows(name)) return;
    if (!files) throw new EslError('refused', 'the trunk wants credentials, and this switch reads no gateways');
    await files.write(name, gatewayFile({ name, username, password: open(sealedPassword, trunkId) }));
    await esl.api(`sofia profile ${profile} rescan`);
    if (!(await this.#knows(name))) throw new EslError('refused', 'the switch does not take the gateway');
    const others = (await files.list()).filter((other) => isVersionOf(other, trunkId) && other !== name);
    for (const other of others) {
      await files.remove(other);
      await esl.api(`sofia profile ${profile} killgw ${other}`);
    }
  }

  async #knows(name: string): Promise<boolean> {
    return !(await this.#o.esl.api(`sofia status gateway ${name}`)).startsWith('Invalid Gateway');
  }
}

const isVersionOf = (name: string, trunkId: string): boolean =>
  name.startsWith(`${trunkId}-`) && /^[0-9a-f]{12}$/.test(name.slice(trunkId.length + 1));
