import { dialogSection, switchSection, trunkSection } from './config/calls.ts';
import { globalSection, moduleSection } from './config/globals.ts';
import { requestSection } from './config/request.ts';
import { tableFiles } from './files.ts';
import type { EdgeModel, EdgeState } from './model.ts';
import { configFile } from './paths.ts';
import { registrationFiles, registrationSection } from './registrations.ts';
import { edgeTables } from './tables.ts';
import { validateModel } from './validate.ts';

/** kamailio.cfg. @throws EdgeConfigError naming every knob at fault. */
export function kamailioConfig(model: EdgeModel): string {
  validateModel(model);
  return [
    globalSection(model),
    moduleSection(model),
    requestSection(model),
    trunkSection(model),
    switchSection(model),
    dialogSection(model),
    registrationSection(),
  ].join('');
}

/**
 * Everything a Kamailio needs: path below `model.paths.configDir` → content.
 * @throws EdgeConfigError naming every knob at fault.
 */
export function edgeFiles(model: EdgeModel, state: EdgeState): Map<string, string> {
  return new Map([['kamailio.cfg', kamailioConfig(model)], ...registrationFiles(), ...tableFiles(edgeTables(state))]);
}

/** Arguments for /usr/sbin/kamailio: in the foreground, one JSON object a log line on stderr. */
export function kamailioArguments(model: EdgeModel): string[] {
  return [
    '-DD',
    '-E',
    '--log-engine=json:M',
    '-f',
    configFile(model),
    '-w',
    model.paths.runDir,
    '-Y',
    model.paths.runDir,
    '-m',
    String(model.sharedMemoryMiB),
    '-M',
    String(model.privateMemoryMiB),
  ];
}
