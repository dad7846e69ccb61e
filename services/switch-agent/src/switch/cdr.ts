import type { Reader } from './translate.ts';
import { decodeOnce } from '../core/offered.ts';

interface CdrFile {
  'core-uuid'?: unknown;
  channel_data?: { direction?: unknown };
  variables?: Record<string, unknown>;
}

/** A CDR file of mod_json_cdr, read like the leg's last event. Undefined when it is none (or only half of one). */
export function readCdr(text: string): { legId: string; core: string; read: Reader } | undefined {
  let file: CdrFile;
  try {
    file = JSON.parse(text) as CdrFile;
  } catch {
    return undefined;
  }
  const { variables } = file;
  if (typeof variables !== 'object' || variables === null) return undefined;
  const read: Reader = (name) => {
    if (name === 'Call-Direction') return String(file.channel_data?.direction ?? '');
    if (!name.startsWith('variable_')) return '';
    const value = variables[name.slice('variable_'.length)];
    return typeof value === 'string' ? decodeOnce(value) : '';
  };
  const legId = read('variable_uuid');
  return legId === '' ? undefined : { legId, core: String(file['core-uuid'] ?? ''), read };
}
