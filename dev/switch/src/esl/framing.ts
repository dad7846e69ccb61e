/** A command as a client sends it: the first line, header lines, a body when Content-Length says so. */
export interface EslCommand {
  line: string;
  headers: [string, string][];
  body: string;
}

/** No command of a client may be larger: mod_event_socket gives up as well. */
const MAX_COMMAND = 1024 * 1024;

/** Cuts the byte stream of a client into commands. */
export class CommandReader {
  #buffer = Buffer.alloc(0);

  /** The commands completed by these bytes; throws when one is too large. */
  push(data: Buffer): EslCommand[] {
    this.#buffer = Buffer.concat([this.#buffer, data]);
    const out: EslCommand[] = [];
    for (let command = this.#take(); command !== undefined; command = this.#take())
      if (command.line !== '') out.push(command);
    if (this.#buffer.length > MAX_COMMAND) throw new Error('command too large');
    return out;
  }

  #take(): EslCommand | undefined {
    const text = this.#buffer.toString('latin1');
    const end = /\r?\n\r?\n/.exec(text);
    if (end === null) return undefined;
    const head = this.#buffer.subarray(0, end.index).toString('utf8');
    const bodyAt = end.index + end[0].length;
    const [line = '', ...rest] = head.replace(/^[\r\n]+/, '').split(/\r?\n/);
    const headers: [string, string][] = [];
    for (const header of rest) {
      const at = header.indexOf(':');
      if (at > 0) headers.push([header.slice(0, at).trim(), header.slice(at + 1).trim()]);
    }
    const length =
      Number.parseInt(headers.find(([name]) => name.toLowerCase() === 'content-length')?.[1] ?? '0', 10) || 0;
    if (length > MAX_COMMAND) throw new Error('body too large');
    if (this.#buffer.length < bodyAt + length) return undefined;
    const body = this.#buffer.subarray(bodyAt, bodyAt + length).toString('utf8');
    this.#buffer = this.#buffer.subarray(bodyAt + length);
    return { line: line.trim(), headers, body };
  }
}
