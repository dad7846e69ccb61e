import { type EdgeTables, HASH_TABLES, type HashTable, SWITCH_SET, type SwitchRow, TRUNK_GROUP } from './tables.ts';

/** Directory (below the configuration's) of the hash tables, in the format of the module db_text. */
export const TABLE_DIR = 'tables';
export const SOURCES_FILE = 'sources.list';
export const SWITCHES_FILE = 'dispatcher.list';

/**
 * Files a Kamailio reads its tables from when it starts: path below the configuration's directory → content. Whoever
 * changes a table by RPC writes the same files, so that a restarted Kamailio goes on with the last known state.
 */
export function tableFiles(tables: EdgeTables): Map<string, string> {
  // Sources stand before the hash table that holds their digest: a crash between the two costs a reload, no more.
  const files = new Map<string, string>([
    [SOURCES_FILE, sourcesFile(tables)],
    [SWITCHES_FILE, switchesFile(tables.switches)],
  ]);
  for (const name of HASH_TABLES) files.set(hashTableFile(name), dbText(tables[name]));
  return files;
}

export const hashTableFile = (name: HashTable): string => `${TABLE_DIR}/${name}`;

/** db_text: a header line, then a line a row; `:` separates columns, and is escaped in values. */
function dbText(table: ReadonlyMap<string, string>): string {
  const escape = (text: string): string => text.replace(/[\\:]/g, '\\$&');
  const rows = [...table].map(([key, value]) => `${escape(key)}:0:0:${escape(value)}:0\n`);
  return `key_name(string) key_type(int) value_type(int) key_value(string) expires(int)\n${rows.join('')}`;
}

/** permissions' address_file: group, address, mask, port, tag. */
export function sourcesFile(tables: Pick<EdgeTables, 'sources'>): string {
  const rows = tables.sources.map((s) => `${TRUNK_GROUP} ${s.address} ${s.prefix} ${s.port} ${s.trunk}\n`);
  return `# group address mask port trunk\n${rows.join('')}`;
}

/** dispatcher's list_file: set, URI, flags, priority, attributes. */
export function switchesFile(switches: readonly SwitchRow[]): string {
  const rows = switches.map((s) => `${SWITCH_SET} ${s.uri} ${SWITCH_FLAGS[s.state]} 0 ${switchAttributes(s)}\n`);
  return `# set uri flags priority attributes\n${rows.join('')}`;
}

/** Flags of a destination in the list file and in `dispatcher.add` (dispatch.h: 1 inactive, 4 disabled, 8 probing). */
export const SWITCH_FLAGS: Readonly<Record<SwitchRow['state'], number>> = { active: 0, inactive: 1 | 8, disabled: 4 };

export const switchAttributes = (row: SwitchRow): string => `duid=${row.id}`;
