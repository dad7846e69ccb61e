import { knob } from '@ringback/service-kit';

const IMAGE_PULL = /^(Always|IfNotPresent|Never|)$/;

export const CONFIG = {
  POD_NAME: knob.string({ doc: 'name of this Pod: its identity among operators' }),
  POD_NAMESPACE: knob.string({ doc: 'namespace of this Pod: its Lease is there' }),
  WATCH_NAMESPACE: knob.string({ doc: 'namespace whose resources are looked after; empty: all', default: '' }),
  NATS_URL: knob.string({ doc: 'NATS server; also told to switches' }),
  DIALER_ADDRESS: knob.address({ doc: 'host:port of the dialer’s gRPC; also told to edges' }),
  PLATFORM_IMAGE: knob.string({ doc: 'image of all services: sidecars are made of it' }),
  EDGE_IMAGE: knob.string({ doc: 'image of Kamailio for edges that name none', default: '' }),
  IMAGE_PULL_POLICY: knob.string({
    doc: 'of images that name none; empty: Kubernetes’ own default',
    default: '',
    matching: IMAGE_PULL,
    pattern: 'Always, IfNotPresent, Never or empty',
  }),
  PLATFORM_SECRET: knob.string({
    doc: 'Secret, in the resources’ namespace, with EVENT_KEY for switch-agents and edge-agents',
  }),
  SWITCH_OTLP_ENDPOINT: knob.string({ doc: 'OTLP endpoint told to switches and edges; empty: none', default: '' }),
  METRICS_API_LISTEN: knob.address({
    doc: 'host:port of external.metrics.k8s.io, by TLS; empty: not served',
    default: '',
  }),
  METRICS_API_CERT_DIR: knob.string({
    doc: 'directory of tls.crt and tls.key for it',
    default: '/etc/ringback/metrics-api',
  }),
  LEASE_NAME: knob.string({ doc: 'Lease that only one operator holds', default: 'ringback-operator' }),
};
