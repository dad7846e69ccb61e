import { TABLE_DIR } from './files.ts';

/**
 * Where a running Kamailio finds until when this edge may register (epoch seconds). Kept by whoever holds the lease, in no
 * file: a Kamailio that starts registers nothing until it is told.
 */
export const REGISTRAR_LEASE = { table: 'registrar', key: 'until' } as const;

/** Columns and version of the module uac's table (UACREG_TABLE_VERSION of Kamailio 5.6). */
const VERSION = 5;
const COLUMNS = [
  'l_uuid(string)',
  'l_username(string)',
  'l_domain(string)',
  'r_username(string)',
  'r_domain(string)',
  'realm(string)',
  'auth_username(string)',
  'auth_password(string)',
  'auth_ha1(string)',
  'auth_proxy(string)',
  'expires(int)',
  'flags(int)',
  'reg_delay(int)',
  'contact_addr(string)',
  'socket(string)',
];

/** An empty table of registrations, in the format of the module db_text: without one the module refuses to register. */
export function registrationFiles(): Map<string, string> {
  return new Map([
    [`${TABLE_DIR}/version`, `table_name(string) table_version(int)\nuacreg:${VERSION}\n`],
    [`${TABLE_DIR}/uacreg`, `${COLUMNS.join(' ')}\n`],
  ]);
}

/**
 * A registrar's zombie is silent: an edge whose lease ran out may have an agent that is gone and a Kamailio that is not.
 * `drop` in this route keeps tm from sending.
 */
export function registrationSection(): string {
  return `
event_route[tm:local-request] {
    if (is_method("REGISTER") && $sht(${REGISTRAR_LEASE.table}=>${REGISTRAR_LEASE.key}) < $Ts) {
        update_stat("register_fenced", "+1");
        drop;
    }
}
`;
}
