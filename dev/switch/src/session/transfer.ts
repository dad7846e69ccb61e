import { randomUUID } from 'node:crypto';
import type { CallerProfile } from '../channel/caller-profile.ts';
import type { AppCall, Session } from './session.ts';

/** `app:data,app2:data2` of the inline dialplan, or one bare application. */
function parseInline(text: string): AppCall[] {
  return text
    .replace(/^'(.*)'$/s, '$1')
    .split(',')
    .map((part) => {
      const at = part.indexOf(':');
      return at < 0 ? { app: part, data: '' } : { app: part.slice(0, at), data: part.slice(at + 1) };
    });
}

function redirect(session: Session, destination: string, apps: AppCall[]): void {
  const { channel } = session;
  const profile = channel.profile as CallerProfile;
  const now = session.core.bus.now();
  const source = `${Math.floor(now / 1_000_000)}:${randomUUID()}:bl_xfer:${destination}/default/inline`;
  const history = channel.get('transfer_history');
  channel.setAll({
    transfer_history: history === undefined ? source : `ARRAY::${history.replace(/^ARRAY::/, '')}|:${source}`,
    max_forwards: 70,
    transfer_source: source,
    bridge_to: undefined,
    signal_bond: undefined,
  });
  channel.otherLeg = undefined;
  channel.times.bridged = 0;
  profile.rdnis = profile.destinationNumber;
  profile.destinationNumber = destination;
  profile.dialplan = 'inline';
  profile.transferSource = source;
  profile.profileIndex += 1;
  profile.profileCreated = now;
  session.handlers.set('CS_ROUTING', async (self) => {
    self.handlers.delete('CS_ROUTING');
    self.channel.callUuid = self.uuid;
    self.channel.set('call_uuid', self.uuid);
    profile.destinationNumber = profile.rdnis ?? profile.destinationNumber;
    delete profile.rdnis;
    // An outbound leg on its way into a dialplan speaks as the party that was called.
    if (self.channel.direction === 'outbound' && !self.channel.hitDialplan) self.channel.flipCallerId();
    self.apps = apps;
    self.channel.state = 'CS_EXECUTE';
  });
  session.setState('CS_ROUTING', { transfer: true });
}

/** uuid_transfer to applications of the inline dialplan; `-both` and `-bleg` include or mean the bridged peer. */
export function transfer(session: Session, args: string[]): string {
  const rest = args.slice(1);
  const which = rest[0] === '-both' || rest[0] === '-bleg' ? rest.shift() : undefined;
  const [destination, dialplan] = rest;
  if (destination === undefined) return '-USAGE: <uuid> [-bleg|-both] <dest-exten> [<dialplan>] [<context>]\n';
  // Only the inline dialplan can be transferred to: this switch has no extensions.
  if (dialplan !== 'inline') return '-ERR Operation Failed\n';
  const apps = parseInline(destination);
  const peer = session.core.sessions.get(session.channel.get('bridge_to') ?? '');
  if (which !== undefined && peer !== undefined) redirect(peer, destination, apps);
  if (which !== '-bleg') redirect(session, destination, apps);
  return '+OK\n';
}
