import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { profileHeaders } from './channel/caller-profile.ts';
import type { Channel } from './channel/channel.ts';
import type { Log } from './log.ts';

/** One `<uuid>.cdr.json` a leg, as mod_json_cdr writes it: the channel's variables, state and caller profile. */
export class CdrWriter {
  readonly #dir: string | undefined;
  readonly #log: Log;

  constructor(dir: string | undefined, log: Log) {
    this.#dir = dir;
    this.#log = log;
    if (dir !== undefined) mkdirSync(dir, { recursive: true });
  }

  write(channel: Channel): void {
    if (this.#dir === undefined) return;
    const variables: Record<string, string> = {};
    for (const [name, value] of channel.variables) variables[name] = value;
    const profile: Record<string, string> = {};
    if (channel.profile !== undefined)
      for (const [name, value] of profileHeaders('Caller', channel.profile, channel.times)) profile[name] = value;
    const t = channel.times;
    const cdr = {
      'core-uuid': channel.bus.identity.coreUuid,
      switchname: channel.bus.identity.switchname,
      channel_data: { state: 'CS_REPORTING', direction: channel.direction, state_number: '11', flags: '', caps: '' },
      variables,
      app_log: {
        applications:
          channel.lastApp === undefined
            ? []
            : [{ app_name: channel.lastApp, app_data: channel.lastArg, app_stamp: String(t.created) }],
      },
      callflow: [
        {
          profile_index: String(channel.profile?.profileIndex ?? 1),
          caller_profile: profile,
          times: {
            created_time: String(t.created),
            answered_time: String(t.answered),
            hangup_time: String(t.hangup),
            bridged_time: String(t.bridged),
          },
        },
      ],
    };
    try {
      const path = join(this.#dir, `${channel.uuid}.cdr.json`);
      writeFileSync(`${path}.tmp`, JSON.stringify(cdr));
      renameSync(`${path}.tmp`, path);
    } catch (error) {
      this.#log.error('CDR not written', { uuid: channel.uuid, error: String(error) });
    }
  }
}
