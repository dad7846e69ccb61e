import type { Core } from '../core.ts';
import { words } from './words.ts';

const NO_GATEWAY = 'Invalid Gateway!\n';

/** The part of `sofia` that gateways need: `profile <name> rescan | killgw <gateway>`, `status gateway <name>`. */
export function sofia(core: Core, argument: string): string {
  const [what, name = '', verb, gateway = ''] = words(argument);
  if (what === 'status' && name === 'gateway') {
    const wanted = verb ?? '';
    if (!core.gateways.credentials(wanted)) return NO_GATEWAY;
    return `${'='.repeat(80)}\nName    \t${wanted}\nState   \tNOREG\n${'='.repeat(80)}\n`;
  }
  if (what !== 'profile') return '-ERR Unknown command!\n';
  if (name !== core.profileName) return `Invalid Profile [${name}]\n`;
  if (verb === 'rescan') {
    core.gateways.rescan();
    return 'Reload XML [Success]\n+OK scan complete\n';
  }
  if (verb === 'killgw') {
    if (!core.gateways.credentials(gateway)) return '-ERR no such gateway.\n';
    core.gateways.remove(gateway);
    return '+OK gateway marked for deletion.\n';
  }
  return '-ERR Unknown command!\n';
}
