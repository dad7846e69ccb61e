import { dialplanSection } from './dialplan.ts';
import { CONTEXT, globalVariables, PROFILE, type SwitchModel } from './model.ts';
import { validateSwitch } from './validate.ts';
import { type Element, element, params, render } from './xml.ts';

/** Modules of every switch; a codec may add one. */
const MODULES = [
  'mod_console',
  'mod_logfile',
  'mod_commands',
  'mod_dptools',
  'mod_dialplan_xml',
  'mod_sofia',
  'mod_event_socket',
  'mod_sndfile',
  'mod_tone_stream',
  'mod_json_cdr',
] as const;

const CODEC_MODULES: Readonly<Record<string, string | undefined>> = { G722: 'mod_spandsp', OPUS: 'mod_opus' };

/**
 * Files of the configuration directory of one FreeSWITCH: name → content. One freeswitch.xml, without includes but of gateways, which come and go.
 * @throws SwitchConfigError naming every knob at fault.
 */
export function freeswitchFiles(model: SwitchModel): Map<string, string> {
  validateSwitch(model);
  const variables = Object.entries(globalVariables(model)).map(([name, value]) =>
    element('X-PRE-PROCESS', { cmd: 'set', data: `${name}=${value}` }),
  );
  const document = element('document', { type: 'freeswitch/xml' }, [
    ...variables,
    element('section', { name: 'configuration' }, configurations(model)),
    dialplanSection(),
  ]);
  return new Map([['freeswitch.xml', `<?xml version="1.0"?>\n${render(document)}`]]);
}

/** Directories a FreeSWITCH process works in; all absolute. */
export interface SwitchPaths {
  readonly configDir: string;
  /** Database, pid, log, cache: anything it may lose. */
  readonly runDir: string;
}

/** Arguments for the program `freeswitch`: in the foreground, nothing outside its directories. */
export function freeswitchArguments(model: SwitchModel, paths: SwitchPaths): string[] {
  const directories = { conf: paths.configDir, sounds: model.soundsDir };
  const own = ['log', 'db', 'run', 'cache', 'temp', 'recordings', 'storage', 'scripts', 'htdocs', 'grammar', 'certs'];
  return [
    '-nf',
    '-nc',
    '-nonat',
    ...Object.entries(directories).flatMap(([name, dir]) => [`-${name}`, dir]),
    ...own.flatMap((name) => [`-${name}`, paths.runDir]),
  ];
}

const levels = (model: SwitchModel): string => (model.logLevel === 'err' ? 'err,crit,alert' : 'crit,alert');

function configuration(name: string, children: readonly Element[]): Element {
  return element('configuration', { name: `${name}.conf`, description: name }, children);
}

function settings(values: Readonly<Record<string, string | number | boolean>>): Element[] {
  return [element('settings', {}, params(values))];
}

function configurations(model: SwitchModel): Element[] {
  const codecModules = model.codecs.flatMap((codec) => CODEC_MODULES[codec] ?? []);
  const allow = (cidr: string): Element =>
    element('node', { type: 'allow', cidr: cidr.includes('/') ? cidr : `${cidr}/32` });
  return [
    configuration('modules', [
      element(
        'modules',
        {},
        [...MODULES, ...codecModules].map((module) => element('load', { module })),
      ),
    ]),
    configuration(
      'switch',
      settings({
        switchname: model.name,
        loglevel: model.logLevel,
        'colorize-console': false,
        'dump-cores': false,
        'max-sessions': model.maxSessions,
        'sessions-per-second': model.sessionsPerSecond,
        'rtp-start-port': model.rtp.from,
        'rtp-end-port': model.rtp.to,
        'event-heartbeat-interval': 20,
        'verbose-channel-events': false,
      }),
    ),
    configuration('console', [
      element('mappings', {}, [element('map', { name: 'all', value: levels(model) })]),
      ...settings({ colorize: false, loglevel: model.logLevel }),
    ]),
    // In the foreground without a console (-nf -nc) nothing goes to stdout: freeswitch.log in the run directory.
    configuration('logfile', [
      ...settings({ 'rotate-on-hup': true }),
      element('profiles', {}, [
        element('profile', { name: 'default' }, [
          ...settings({ rollover: 10_485_760, 'maximum-rotate': 8, uuid: true }),
          element('mappings', {}, [element('map', { name: 'all', value: levels(model) })]),
        ]),
      ]),
    ]),
    configuration('acl', [
      element('network-lists', {}, [
        element('list', { name: 'edges', default: 'deny' }, model.edges.map(allow)),
        element('list', { name: 'agent', default: 'deny' }, [allow('127.0.0.0/8')]),
      ]),
    ]),
    configuration(
      'event_socket',
      settings({
        'nat-map': false,
        'listen-ip': model.esl.host,
        'listen-port': model.esl.port,
        password: model.esl.password,
        'apply-inbound-acl': 'agent',
        'stop-on-bind-error': true,
      }),
    ),
    configuration(
      'json_cdr',
      settings({ 'log-b-leg': true, 'prefix-a-leg': false, encode: false, 'log-dir': model.cdrDir }),
    ),
    configuration('sofia', [
      element('global_settings', {}, params({ 'log-level': 0, 'auto-restart': false, 'debug-presence': 0 })),
      element('profiles', {}, [profile(model)]),
    ]),
  ];
}

/** The one SIP profile: edges call in without a password, G.711, session timers, telephone-event or INFO. */
function profile(model: SwitchModel): Element {
  const codecs = model.codecs.join(',');
  const gateways = element('X-PRE-PROCESS', { cmd: 'include', data: `${model.gatewaysDir}/*.xml` });
  return element('profile', { name: PROFILE }, [
    ...(model.gatewaysDir === undefined ? [] : [element('gateways', {}, [gateways])]),
    element('settings', {}, [
      ...params({
        'sip-ip': model.sip.host,
        'sip-port': model.sip.port,
        'ext-sip-ip': model.sip.advertise ?? model.sip.host,
        'rtp-ip': model.rtp.host,
        'ext-rtp-ip': model.rtp.advertise ?? model.rtp.host,
        context: CONTEXT,
        dialplan: 'XML',
        'user-agent-string': 'Ringback',
        'contact-user': 'ringback',
        // An INVITE without an offer (RFC 3264 5) rings like any other; the offer then goes into our 200.
        'enable-3pcc': 'proxy',
        // Only edges may speak SIP to it; nobody registers, subscribes or transfers.
        'apply-inbound-acl': 'edges',
        'auth-calls': false,
        'accept-blind-reg': false,
        'accept-blind-auth': false,
        'disable-register': true,
        'disable-transfer': true,
        'manage-presence': false,
        'enable-chat': false,
        'send-message-query-on-register': false,
        'log-auth-failures': false,
        'disable-naptr': true,
        'disable-srv': true,
        'nat-options-ping': false,
        'aggressive-nat-detection': false,
        // What edges probe: 503 when full or paused.
        'sip-options-respond-503-on-busy': true,
        'inbound-codec-prefs': codecs,
        'outbound-codec-prefs': codecs,
        'inbound-codec-negotiation': 'generous',
        'inbound-late-negotiation': true,
        'disable-transcoding': false,
        'dtmf-type': 'rfc2833',
        'liberal-dtmf': true,
        'rfc2833-pt': 101,
        'pass-callee-id': false,
        'suppress-cng': true,
        'send-display-update': false,
        'caller-id-type': 'pid',
        'enable-timer': true,
        'session-timeout': model.sessionTimers.sessionExpires,
        'minimum-session-expires': model.sessionTimers.minSe,
        'rtp-timer-name': 'soft',
        'rtp-rewrite-timestamps': true,
        'watchdog-enabled': false,
        tls: false,
        'sip-trace': false,
        'hold-music': 'silence',
        'shutdown-on-fail': true,
      }),
    ]),
  ]);
}
