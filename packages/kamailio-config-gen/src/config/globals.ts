import type { EdgeModel, LogLevel } from '../model.ts';
import { controlSocket } from '../paths.ts';
import { REGISTRAR_LEASE } from '../registrations.ts';

/** Kamailio's numbers for `debug`. */
const DEBUG: Readonly<Record<LogLevel, number>> = { error: -1, warn: 0, notice: 1, info: 2 };

/** Modules that quote the message they complain about, numbers and all: only what is critical is logged of them. */
const QUOTING_MODULES = [
  'core',
  'tm',
  'sl',
  'rr',
  'pv',
  'maxfwd',
  'sanity',
  'siputils',
  'textops',
  'textopsx',
  'pike',
] as const;

const MODULES = [
  'kex',
  'corex',
  'ctl',
  'tm',
  'tmx',
  'sl',
  'rr',
  'pv',
  'maxfwd',
  'textops',
  'textopsx',
  'siputils',
  'sanity',
  'xlog',
  'statistics',
  'uuid',
  'db_text',
  'htable',
  'permissions',
  'dispatcher',
  'pike',
  'pipelimit',
  'uac',
  'debugger',
] as const;

/** Counters kept by the script; read by RPC as `script.<name>`. */
export const COUNTERS = [
  'unknown_source',
  'unknown_source_banned',
  'scanner',
  'malformed',
  'too_large',
  'too_many_hops',
  'loop',
  'method_refused',
  'dialog_refused',
  'trunk_flood',
  'trunk_limited_in',
  'trunk_limited_out',
  'not_admitted',
  'unknown_number',
  'unknown_gateway',
  'no_switch',
  'switch_failover',
  'trigger_relayed',
  'outbound_relayed',
  'trunk_unreachable',
  'register_fenced',
] as const;

export function globalSection(model: EdgeModel): string {
  const { listen, advertise } = model;
  const address = `${listen.host}:${listen.port} advertise ${advertise.host}:${advertise.port}`;
  const listeners = [`listen=udp:${address}`, ...(model.tcp ? [`listen=tcp:${address}`] : [])];
  const tcp = model.tcp
    ? [`tcp_children=${model.workers}`, 'tcp_connection_lifetime=600', 'tcp_max_connections=1024', 'tcp_send_timeout=3']
    : [];
  return `#!KAMAILIO
# Edge "${model.id}". Generated; changes made here are lost.

debug=${DEBUG[model.logLevel]}
log_stderror=yes
memlog=3
memdbg=3
sip_parser_log=3
corelog=3
latency_cfg_log=3
disable_core_dump=yes

${listeners.join('\n')}
alias="${advertise.host}:${advertise.port}"
auto_aliases=no
children=${model.workers}
disable_tcp=${model.tcp ? 'no' : 'yes'}
disable_tls=yes
${tcp.length > 0 ? `${tcp.join('\n')}\n` : ''}
# Requests of one call are taken one after the other: a CANCEL never overtakes its INVITE between the workers.
route_locks_size=256

server_signature=no
server_header="Server: Ringback"
user_agent_header="User-Agent: Ringback"
sip_warning=0
dns=no
rev_dns=no
`;
}

export function moduleSection(model: EdgeModel): string {
  const { paths, unknownSourceLimit: limit, timers } = model;
  const probing =
    model.probeIntervalSeconds > 0
      ? `modparam("dispatcher", "ds_ping_interval", ${model.probeIntervalSeconds})
modparam("dispatcher", "ds_probing_mode", 1)
modparam("dispatcher", "ds_probing_threshold", 2)
modparam("dispatcher", "ds_inactive_threshold", 1)
modparam("dispatcher", "ds_ping_method", "OPTIONS")
modparam("dispatcher", "ds_ping_from", "sip:edge@${model.advertise.host}:${model.advertise.port}")
`
      : 'modparam("dispatcher", "ds_ping_interval", 0)\n';
  return `
${MODULES.map((name) => `loadmodule "${name}.so"`).join('\n')}

# Control is a unix socket of this user and nothing else: never a SIP listener, never the network.
modparam("ctl", "binrpc", "unix:${controlSocket(model)}")
modparam("ctl", "mode", 0600)
# KiB; the whole of a table fits into one answer.
modparam("ctl", "binrpc_max_body_size", 16384)
modparam("ctl", "binrpc_struct_max_body_size", 64)

# Quoting modules keep silent, so that no number reaches the logs.
modparam("debugger", "mod_hash_size", 5)
modparam("debugger", "mod_level_mode", 1)
${QUOTING_MODULES.map((name) => `modparam("debugger", "mod_level", "${name}=-2")`).join('\n')}

modparam("tm", "fr_timer", ${timers.switchReplyMs})
modparam("tm", "fr_inv_timer", ${timers.finalReplyMs})
modparam("tm", "max_inv_lifetime", ${timers.finalReplyMs + 60_000})
modparam("tm", "failure_reply_mode", 3)
modparam("tm", "auto_inv_100_reason", "Trying")
modparam("rr", "enable_full_lr", 1)
modparam("rr", "append_fromtag", 0)
modparam("maxfwd", "max_limit", 70)

# Tables: loaded from files when Kamailio starts, changed by RPC while it runs.
modparam("htable", "db_url", "text://${paths.configDir}/tables")
modparam("htable", "htable", "access=>size=12;dbtable=access;")
modparam("htable", "htable", "trunk=>size=6;dbtable=trunk;")
modparam("htable", "htable", "gateway=>size=6;dbtable=gateway;")
modparam("htable", "htable", "edge=>size=2;dbtable=edge;")
modparam("htable", "htable", "${REGISTRAR_LEASE.table}=>size=2;")
modparam("htable", "htable", "banned=>size=10;autoexpire=${limit.banSeconds};")
modparam("permissions", "address_file", "${paths.configDir}/sources.list")
modparam("permissions", "peer_tag_avp", "$avp(trunk)")
modparam("permissions", "reload_delta", 0)

# Round robin over the switches the agents drive. Destinations carry no load counters: those leak on lost BYEs.
modparam("dispatcher", "list_file", "${paths.configDir}/dispatcher.list")
modparam("dispatcher", "flags", 2)
# Each change makes a new list and frees the one before the last: whoever changes it paces itself.
modparam("dispatcher", "reload_delta", 0)
${probing}
# Addresses nobody knows.
modparam("pike", "sampling_time_unit", ${limit.perSeconds})
modparam("pike", "reqs_density_per_unit", ${limit.requests})
modparam("pike", "remove_latency", ${limit.banSeconds})

# Trunks: pipes are made when first used; a pipe's counter starts again each second.
modparam("pipelimit", "timer_interval", 1)
modparam("pipelimit", "reply_code", 503)

# Registrations at carriers are told by RPC while this edge is the one that registers; the file holds none.
modparam("uac", "restore_mode", "none")
modparam("uac", "reg_db_url", "text://${paths.configDir}/tables")
modparam("uac", "reg_contact_addr", "${model.advertise.host}:${model.advertise.port}")
modparam("uac", "reg_timer_interval", ${model.registration.checkSeconds})
modparam("uac", "reg_retry_interval", ${model.registration.retrySeconds})
modparam("uac", "reg_keep_callid", 1)

${COUNTERS.map((name) => `modparam("statistics", "variable", "${name}")`).join('\n')}
`;
}
