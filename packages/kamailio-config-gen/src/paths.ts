import { join } from 'node:path';
import type { EdgeModel } from './model.ts';

/** Unix stream socket on which Kamailio's module ctl takes RPC (BINRPC). */
export const controlSocket = (model: Pick<EdgeModel, 'paths'>): string => join(model.paths.runDir, 'control.sock');

export const configFile = (model: Pick<EdgeModel, 'paths'>): string => join(model.paths.configDir, 'kamailio.cfg');
