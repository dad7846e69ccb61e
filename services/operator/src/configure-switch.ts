/**
 * First container of a switch's Pod: writes the configuration of the switch and the environment of its agent. The event
 * socket's password is made here and never leaves the Pod.
 */
import { randomBytes } from 'node:crypto';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  DEFAULTS,
  devSwitchConfig,
  freeswitchFiles,
  PROFILE,
  SwitchConfigError,
  type SwitchModel,
} from '@ringback/freeswitch-config-gen';
import { APP, PATHS, SETUP_ENV, type SwitchSetup } from './switch-setup.ts';

/** EX_CONFIG of sysexits.h. */
const REFUSED = 78;

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') {
    process.stderr.write(`${name} is not set\n`);
    process.exit(REFUSED);
  }
  return value;
}

const setup = JSON.parse(required(SETUP_ENV)) as SwitchSetup;
const podIp = required('POD_IP');
const { ports, advertise } = setup;
const address = (advertised: string | undefined) =>
  advertised === undefined || advertised === podIp ? {} : { advertise: advertised };
const password = randomBytes(24).toString('base64url');
const model: SwitchModel = {
  ...DEFAULTS,
  name: required('POD_NAME'),
  sip: { host: podIp, port: ports.sip, ...address(advertise.signalling) },
  esl: { host: '127.0.0.1', port: ports.esl, password },
  rtp: { host: podIp, from: ports.mediaFrom, to: ports.mediaTo, ...address(advertise.media) },
  edges: setup.allowedEdges,
  maxSessions: setup.callsPerSwitch,
  sessionsPerSecond: setup.callsPerSecondPerSwitch,
  codecs: setup.codecs,
  soundsDir: PATHS.sounds,
  cdrDir: PATHS.cdr,
  gatewaysDir: PATHS.gateways,
};

try {
  await mkdir(PATHS.config, { recursive: true });
  await mkdir(PATHS.gateways, { recursive: true, mode: 0o770 });
  if (setup.configuration === 'DevSwitch') {
    await writeFile(PATHS.devSwitchConfig, JSON.stringify(devSwitchConfig(model), null, 2), { mode: 0o640 });
  } else {
    for (const [name, content] of freeswitchFiles(model)) {
      await writeFile(join(PATHS.config, name), content, { mode: 0o640 });
    }
  }
} catch (error) {
  if (!(error instanceof SwitchConfigError)) throw error;
  process.stderr.write(`the switch's configuration is refused: ${error.message}\n`);
  process.exit(REFUSED);
}
// The same path for agent and switch, whose image need not have them.
await cp(join(APP, 'packages/prompts/sounds'), PATHS.sounds, { recursive: true });

const environment = {
  ESL_ADDRESS: `127.0.0.1:${ports.esl}`,
  ESL_PASSWORD: password,
  SIP_ADDRESS: `${advertise.signalling ?? podIp}:${ports.sip}`,
  SOFIA_PROFILE: PROFILE,
  EDGES: setup.edges.join(','),
  PROMPTS_DIR: PATHS.sounds,
  JOURNAL_DIR: PATHS.journal,
  CDR_DIR: PATHS.cdr,
  GATEWAYS_DIR: PATHS.gateways,
  MAX_SESSIONS: String(setup.callsPerSwitch),
  SESSIONS_PER_SECOND: String(setup.callsPerSecondPerSwitch),
  HTTP_LISTEN: `0.0.0.0:${ports.agent}`,
};
const lines = Object.entries(environment).map(([name, value]) => `${name}=${value}\n`);
await writeFile(PATHS.agentEnv, lines.join(''), { mode: 0o640 });
