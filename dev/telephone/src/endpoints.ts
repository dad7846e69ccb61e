import { readFileSync } from 'node:fs';

/** What the telephone needs of a run's endpoints.json. */
export interface Endpoints {
  edge: string;
  carrier: string;
  accessNumbers: { number: string; mode?: string; language?: string }[];
  accounts: { number: string; callerIds?: { number: string }[] }[];
}

/** Throws when the file is missing or lacks an address. */
export function readEndpoints(path: string): Endpoints {
  const read = JSON.parse(readFileSync(path, 'utf8')) as {
    edge?: { sip?: string };
    carrier?: { sip?: string };
    accessNumbers?: Endpoints['accessNumbers'];
    accounts?: Endpoints['accounts'];
  };
  if (read.edge?.sip === undefined || read.carrier?.sip === undefined)
    throw new Error(`${path} names no edge.sip and carrier.sip`);
  return {
    edge: read.edge.sip,
    carrier: read.carrier.sip,
    accessNumbers: read.accessNumbers ?? [],
    accounts: read.accounts ?? [],
  };
}
