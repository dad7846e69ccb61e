import { join } from 'node:path';
import { ofPools } from '@ringback/contracts';
import { nowUs, runService } from '@ringback/service-kit';
import { EdgeAgent } from './agent.ts';
import { CONFIG } from './config.ts';
import { publishMetrics } from './metrics.ts';
import { KamailioRpc } from './rpc/client.ts';
import { edgePage } from './pages.ts';
import { followConfig, followSwitches } from './sources.ts';
import { StateStore, TableFiles } from './store.ts';

await runService({
  name: 'edge-agent',
  config: CONFIG,
  async start(config, { log, fail }) {
    const agent = new EdgeAgent({
      rpc: new KamailioRpc(join(config.EDGE_RUN_DIR, 'control.sock')),
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
    publishMetrics(agent);
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
      page: (path, response) => edgePage(agent, path, response),
      async stop() {
        // Kamailio goes on with what it knows.
        await Promise.all(following.map((source) => source.stop()));
        await agent.stop();
      },
    };
  },
});
