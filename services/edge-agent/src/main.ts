import { join } from 'node:path';
import { dialer, ofPools, TRUNK_PASSWORD } from '@ringback/contracts';
import { Box } from '@ringback/sealing';
import { call, grpcClient, nowUs, runService } from '@ringback/service-kit';
import { EdgeAgent } from './agent.ts';
import { CONFIG } from './config.ts';
import { publishMetrics } from './metrics.ts';
import { KamailioRpc } from './rpc/client.ts';
import { edgePage } from './pages.ts';
import { Registrar } from './registrar.ts';
import { followConfig, followSwitches } from './sources.ts';
import { StateStore, TableFiles } from './store.ts';

await runService({
  name: 'edge-agent',
  config: CONFIG,
  async start(config, { log, fail }) {
    const rpc = new KamailioRpc(join(config.EDGE_RUN_DIR, 'control.sock'));
    const agent = new EdgeAgent({
      rpc,
      store: new StateStore(config.STATE_DIR),
      files: new TableFiles(config.EDGE_CONFIG_DIR),
      log,
      now: () => performance.now(),
      pollMs: config.POLL_INTERVAL,
      fullReadEvery: 60,
      silentAfterMs: config.SWITCH_SILENT_AFTER,
      forgetAfterMs: config.SWITCH_FORGET_AFTER,
    });
    await agent.start();
    const box = config.EVENT_KEY === '' ? undefined : new Box(config.EVENT_KEY, TRUNK_PASSWORD);
    const client = grpcClient(dialer.EdgeConfigServiceClient, config.DIALER_ADDRESS);
    const registrar = new Registrar({
      rpc,
      edgeId: config.EDGE_ID,
      log,
      now: () => Date.now(),
      serving: () => agent.serving,
      draining: () => agent.draining,
      turnMs: config.REGISTRATION_INTERVAL,
      ask: (request) => call(client, client.holdRegistrations, request),
      open(sealed, trunkId) {
        if (!box) throw new Error('EVENT_KEY is not set');
        return box.open(sealed, trunkId).toString('utf8');
      },
    });
    registrar.start();
    publishMetrics(agent, registrar);
    const following = [
      followConfig({
        address: config.DIALER_ADDRESS,
        edgeId: config.EDGE_ID,
        log,
        onSnapshot: (snapshot) => agent.configure(snapshot),
      }),
      followSwitches({
        url: config.NATS_URL,
        name: `edge-agent ${config.EDGE_ID}`,
        log,
        onStatus: (status) => {
          if (ofPools(status.switchId, config.SWITCH_POOLS)) agent.switchStatus(status);
        },
        status: () => ({
          edgeId: config.EDGE_ID,
          sipAddress: config.EDGE_SIP_ADDRESS,
          serving: agent.serving,
          switchPools: [...config.SWITCH_POOLS],
          atUs: BigInt(nowUs()),
        }),
        onHearing: (heard) => agent.hearing(heard),
        fail,
      }),
    ];
    return {
      notReady: () => agent.notReady(),
      page: (path, response) =>
        edgePage(
          {
            drain: () => agent.drain(),
            get drained() {
              return agent.drained && registrar.idle;
            },
          },
          path,
          response,
        ),
      async stop() {
        // Kamailio goes on with what it knows.
        await Promise.all([...following.map((source) => source.stop()), registrar.stop()]);
        client.close();
        await agent.stop();
      },
    };
  },
});
