/** First container of an edge's Pod: writes Kamailio's configuration, with empty tables that its agent will fill. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EdgeConfigError, type EdgeModel, edgeFiles } from '@ringback/kamailio-config-gen';
import { DIALOG_SECRET_ENV, EDGE_MODEL_ENV } from './edge-setup.ts';

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

const podIp = required('POD_IP');
const given = JSON.parse(required(EDGE_MODEL_ENV)) as Omit<EdgeModel, 'dialogSecret'>;
const here = (host: string): string => (host === '0.0.0.0' ? podIp : host);
const model: EdgeModel = {
  ...given,
  listen: { ...given.listen, host: here(given.listen.host) },
  advertise: { ...given.advertise, host: here(given.advertise.host) },
  dialogSecret: required(DIALOG_SECRET_ENV),
};
try {
  for (const [path, content] of edgeFiles(model, { admit: false, trunks: [], accessNumbers: [], switches: [] })) {
    const file = join(model.paths.configDir, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content, { mode: 0o640 });
  }
} catch (error) {
  if (!(error instanceof EdgeConfigError)) throw error;
  process.stderr.write(`the edge's configuration is refused: ${error.message}\n`);
  process.exit(REFUSED);
}
