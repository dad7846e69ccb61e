import type { SwitchPorts } from './domain/ports.ts';

/** Paths inside a switch's Pod, the same for all its containers. */
export const PATHS = {
  /** In memory: configuration with the event socket's password. */
  setup: '/run/ringback',
  config: '/run/ringback/switch',
  devSwitchConfig: '/run/ringback/switch/dev-switch.json',
  agentEnv: '/run/ringback/agent.env',
  sounds: '/var/lib/ringback/sounds',
  journal: '/var/lib/ringback/journal',
  cdr: '/var/lib/ringback/cdr',
  // On the same volume, which agent and switch share.
  gateways: '/var/lib/ringback/cdr/gateways',
  run: '/var/lib/ringback/run',
} as const;

/** Where the platform's image has its program. */
export const APP = '/app';

/**
 * What the operator tells the container that writes the configuration of a switch; its addresses and its password are known
 * only in the Pod.
 */
export interface SwitchSetup {
  readonly configuration: 'FreeSWITCH' | 'DevSwitch';
  readonly ports: SwitchPorts;
  readonly codecs: readonly ('PCMA' | 'PCMU' | 'G722' | 'OPUS')[];
  readonly callsPerSwitch: number;
  readonly callsPerSecondPerSwitch: number;
  /** Sources of SIP. */
  readonly allowedEdges: readonly string[];
  /** host:port of edges that take outbound calls. */
  readonly edges: readonly string[];
  /** Addresses told to others; the Pod's where not set. */
  readonly advertise: { readonly signalling?: string; readonly media?: string };
}

/** Environment of that container. */
export const SETUP_ENV = 'SWITCH_SETUP';
