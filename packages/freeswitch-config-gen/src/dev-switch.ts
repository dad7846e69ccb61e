import { CONTEXT, globalVariables, PROFILE, type SwitchModel } from './model.ts';
import { validateSwitch } from './validate.ts';

/**
 * The dev switch's configuration (JSON) from the same model.
 * @throws SwitchConfigError naming every knob at fault; the dev switch knows G.711 only and listens to addresses, not
 * CIDRs.
 */
export function devSwitchConfig(model: SwitchModel): Record<string, unknown> {
  validateSwitch(model);
  return {
    name: model.name,
    sip: {
      host: model.sip.host,
      port: model.sip.port,
      profile: PROFILE,
      context: CONTEXT,
      sessionExpires: model.sessionTimers.sessionExpires,
      minSe: model.sessionTimers.minSe,
    },
    esl: { host: model.esl.host, port: model.esl.port, password: model.esl.password },
    rtp: { host: model.rtp.host, from: model.rtp.from, to: model.rtp.to },
    edges: [...model.edges],
    maxSessions: model.maxSessions,
    sessionsPerSecond: model.sessionsPerSecond,
    soundsDir: model.soundsDir,
    cdrDir: model.cdrDir,
    ...(model.gatewaysDir === undefined ? {} : { gatewaysDir: model.gatewaysDir }),
    codecs: model.codecs.filter((codec) => codec === 'PCMU' || codec === 'PCMA'),
    variables: globalVariables(model),
  };
}
