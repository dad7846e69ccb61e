import { access, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  DEFAULTS as SWITCH_DEFAULTS,
  devSwitchConfig,
  freeswitchArguments,
  freeswitchFiles,
  PROFILE,
  type SwitchModel,
} from '@ringback/freeswitch-config-gen';
import { controlSocket, DEFAULTS, type EdgeModel, edgeFiles, kamailioArguments } from '@ringback/kamailio-config-gen';
import type { ProcessSpec } from './child.ts';
import { type Secrets, writeAtomically } from './files.ts';
import type { Layout } from './layout.ts';
import type { RunSettings } from './settings.ts';
import { eslReady, httpReady, unixReady } from './probes.ts';
import { telemetryEnv } from './specs-services.ts';
import { natsUrl } from './specs-stores.ts';

const KAMAILIO = '/usr/sbin/kamailio';
/** The control socket's path has to fit into a sockaddr_un. */
const LONGEST_RUN_DIR = 80;

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

export interface EdgeProcesses {
  kamailio: ProcessSpec;
  edgeAgent: ProcessSpec;
}

/** Kamailio with the generated configuration, and the agent that keeps its tables. */
export async function edgeSpecs(layout: Layout, secrets: Secrets): Promise<EdgeProcesses> {
  const configDir = layout.dir('edge');
  const wanted = layout.dir('edge', 'run');
  const runDir = wanted.length <= LONGEST_RUN_DIR ? wanted : await mkdtemp(join(tmpdir(), 'ringback-edge-'));
  await mkdir(runDir, { recursive: true });
  const model: EdgeModel = {
    ...DEFAULTS,
    id: 'edge-1',
    listen: layout.edge,
    advertise: layout.edge,
    paths: { configDir, runDir },
    dialogSecret: secrets.dialogSecret,
  };
  // The tables belong to the edge-agent once they are there.
  for (const [path, content] of edgeFiles(model, { admit: false, trunks: [], accessNumbers: [], switches: [] })) {
    const file = join(configDir, path);
    if (path !== 'kamailio.cfg' && (await exists(file))) continue;
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }
  const http = layout.http['edge-agent']!;
  return {
    kamailio: {
      name: 'kamailio',
      command: KAMAILIO,
      args: kamailioArguments(model),
      log: layout.dir('logs', 'kamailio.log'),
      ready: () => unixReady(controlSocket(model)),
    },
    edgeAgent: {
      name: 'edge-agent',
      command: layout.node,
      args: [join(layout.root, 'services/edge-agent/src/main.ts')],
      env: {
        EDGE_ID: model.id,
        EDGE_SIP_ADDRESS: `${layout.edge.host}:${layout.edge.port}`,
        EDGE_CONFIG_DIR: configDir,
        EDGE_RUN_DIR: runDir,
        STATE_DIR: layout.dir('edge-agent'),
        DIALER_ADDRESS: layout.grpc.dialer,
        NATS_URL: natsUrl(layout, secrets),
        EVENT_KEY: secrets.eventKey,
        HTTP_LISTEN: http,
        ...telemetryEnv(),
      },
      log: layout.dir('logs', 'edge-agent.log'),
      ready: () => httpReady(http),
    },
  };
}

/** The switches, dev or FreeSWITCH, out of one model. */
export function switchSpecs(
  layout: Layout,
  secrets: Secrets,
  { freeswitch, switchScript }: Pick<RunSettings, 'freeswitch' | 'switchScript'>,
): Promise<ProcessSpec[]> {
  return Promise.all(
    layout.switches.map(async ({ id, host, sipPort, eslPort, rtpFrom, rtpTo }) => {
      const configDir = layout.dir(id);
      const cdrDir = layout.dir(id, 'cdr');
      const runDir = layout.dir(id, 'run');
      const gatewaysDir = layout.dir(id, 'gateways');
      await mkdir(cdrDir, { recursive: true });
      await mkdir(gatewaysDir, { recursive: true, mode: 0o700 });
      await mkdir(runDir, { recursive: true });
      const model: SwitchModel = {
        ...SWITCH_DEFAULTS,
        name: id,
        sip: { host, port: sipPort },
        esl: { host: '127.0.0.1', port: eslPort, password: secrets.eslPassword },
        rtp: { host, from: rtpFrom, to: rtpTo },
        edges: [layout.edge.host],
        maxSessions: 400,
        soundsDir: layout.soundsDir,
        cdrDir,
        gatewaysDir,
      };
      const spec = {
        name: id,
        log: layout.dir('logs', `${id}.log`),
        ready: () => eslReady('127.0.0.1', eslPort, secrets.eslPassword),
      };
      if (freeswitch) {
        for (const [path, content] of freeswitchFiles(model))
          await writeAtomically(join(configDir, path), content, 0o600);
        const args = freeswitchArguments(model, { configDir, runDir });
        // One that was moved after it was built still finds its modules beside it.
        const modules = join(dirname(freeswitch), '../mod');
        return { ...spec, command: freeswitch, args: (await exists(modules)) ? [...args, '-mod', modules] : args };
      }
      const config = join(configDir, 'dev-switch.json');
      await writeAtomically(config, JSON.stringify(devSwitchConfig(model), null, 2), 0o600);
      return {
        ...spec,
        command: layout.node,
        args: [switchScript ?? join(layout.root, 'dev/switch/src/main.ts'), config],
      };
    }),
  );
}

export function agentSpecs(
  layout: Layout,
  secrets: Secrets,
  { env, natsBy }: Pick<RunSettings, 'env' | 'natsBy'>,
): ProcessSpec[] {
  return layout.switches.map(({ id, host, sipPort, eslPort }) => {
    const name = id.replace('switch', 'agent');
    const http = layout.http[name]!;
    return {
      name,
      command: layout.node,
      args: [join(layout.root, 'services/switch-agent/src/main.ts')],
      env: {
        SWITCH_ID: id,
        NATS_URL: natsUrl(layout, secrets, natsBy?.[name]),
        ESL_ADDRESS: `127.0.0.1:${eslPort}`,
        ESL_PASSWORD: secrets.eslPassword,
        SIP_ADDRESS: `${host}:${sipPort}`,
        SOFIA_PROFILE: PROFILE,
        EDGES: `${layout.edge.host}:${layout.edge.port}`,
        PROMPTS_DIR: layout.soundsDir,
        JOURNAL_DIR: layout.dir(name),
        GATEWAYS_DIR: layout.dir(id, 'gateways'),
        CDR_DIR: layout.dir(id, 'cdr'),
        EVENT_KEY: secrets.eventKey,
        MAX_SESSIONS: '400',
        SESSIONS_PER_SECOND: '90',
        HTTP_LISTEN: http,
        ...telemetryEnv(),
        ...env.agent,
      },
      log: layout.dir('logs', `${name}.log`),
      ready: () => httpReady(http),
    };
  });
}
