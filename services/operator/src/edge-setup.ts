/** Paths inside an edge's Pod, the same for all its containers. */
export const EDGE_PATHS = {
  config: '/run/ringback/edge',
  run: '/run/ringback/edge-run',
  state: '/var/lib/ringback/edge-agent',
} as const;

/** Environment of the container that writes the edge's configuration. */
export const EDGE_MODEL_ENV = 'EDGE_MODEL';
export const DIALOG_SECRET_ENV = 'DIALOG_SECRET';
