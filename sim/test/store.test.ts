import { storeContract } from '@ringback/durable/testing';
import { type Connection, Database, storeOver } from '../src/store.ts';

/** Every transaction in a turn of its own, so that several that are asked at once interleave. */
const direct: Connection = {
  run: async (transaction) => transaction(),
  commit: async (transaction) => transaction(),
};

storeContract('the simulated database', async (shards) => {
  const database = new Database(() => Date.now() * 1000, shards);
  return {
    store: storeOver(database, direct),
    async expire(owner) {
      database.expire(owner);
    },
  };
});
