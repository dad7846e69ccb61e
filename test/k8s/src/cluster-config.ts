/**
 * How a real cluster on one machine is configured: pure text, no process. What stands here without a reason is
 * Kubernetes' own default or plain necessity; the rest says why.
 */

export interface ClusterPaths {
  /** Everything of the cluster: data, logs, certificates, kubeconfigs. Absolute. */
  readonly dir: string;
  /** The program that is every part of Kubernetes. */
  readonly program: string;
  readonly coredns: string;
}

export interface ClusterNet {
  /** Address of this machine on the pair of links to the node. */
  readonly host: string;
  /** Address of the node there. */
  readonly node: string;
  readonly podCidr: string;
  readonly serviceCidr: string;
  readonly apiService: string;
  readonly dnsService: string;
}

export const NODE_NAME = 'node-1';
export const API_PORT = 6443;
export const PAUSE_IMAGE = 'localhost/pause:1';

/** A /24 for the pair of links; several clusters on a machine differ in `index` (0–200). */
export function clusterNet(index: number): ClusterNet {
  return {
    host: `10.213.${index}.1`,
    node: `10.213.${index}.2`,
    podCidr: '10.244.0.0/24',
    serviceCidr: '10.96.0.0/16',
    apiService: '10.96.0.1',
    dnsService: '10.96.0.10',
  };
}

/** Who may speak with the API server by which token. */
export const USERS = [
  { name: 'admin', user: 'admin', groups: ['system:masters'] },
  { name: 'kubelet', user: `system:node:${NODE_NAME}`, groups: ['system:nodes'] },
  { name: 'kube-controller-manager', user: 'system:kube-controller-manager', groups: [] },
  { name: 'kube-scheduler', user: 'system:kube-scheduler', groups: [] },
  { name: 'kube-proxy', user: 'system:kube-proxy', groups: [] },
  { name: 'coredns', user: 'ringback:coredns', groups: [] },
] as const;

export type UserName = (typeof USERS)[number]['name'];

export function tokensFile(tokens: Readonly<Record<UserName, string>>): string {
  return USERS.map(({ name, user, groups }) => `${tokens[name]},${user},${user},"${groups.join(',')}"\n`).join('');
}

export function kubeconfig(server: string, ca: Buffer, token: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'ringback', cluster: { server, 'certificate-authority-data': ca.toString('base64') } }],
    users: [{ name: 'user', user: { token } }],
    contexts: [{ name: 'ringback', context: { cluster: 'ringback', user: 'user' } }],
    'current-context': 'ringback',
  });
}

export function etcdArguments({ dir }: ClusterPaths): string[] {
  return [
    'etcd',
    `--data-dir=${dir}/etcd`,
    '--listen-client-urls=http://127.0.0.1:2379',
    '--advertise-client-urls=http://127.0.0.1:2379',
    '--listen-peer-urls=http://127.0.0.1:2380',
    '--initial-advertise-peer-urls=http://127.0.0.1:2380',
    '--initial-cluster=default=http://127.0.0.1:2380',
    // Nothing of it outlives the cluster.
    '--unsafe-no-fsync',
  ];
}

export function apiServerArguments({ dir }: ClusterPaths, net: ClusterNet): string[] {
  const pki = `${dir}/pki`;
  return [
    'kube-apiserver',
    '--etcd-servers=http://127.0.0.1:2379',
    `--advertise-address=${net.node}`,
    `--secure-port=${API_PORT}`,
    `--tls-cert-file=${pki}/apiserver.crt`,
    `--tls-private-key-file=${pki}/apiserver.key`,
    `--token-auth-file=${dir}/tokens.csv`,
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    '--allow-privileged=true',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${pki}/sa.pub`,
    `--service-account-signing-key-file=${pki}/sa.key`,
    `--service-cluster-ip-range=${net.serviceCidr}`,
    `--kubelet-client-certificate=${pki}/kubelet-client.crt`,
    `--kubelet-client-key=${pki}/kubelet-client.key`,
    '--kubelet-preferred-address-types=InternalIP',
    // API servers behind it (external metrics) know it by these.
    `--requestheader-client-ca-file=${pki}/front-proxy-ca.crt`,
    '--requestheader-allowed-names=front-proxy-client',
    '--requestheader-username-headers=X-Remote-User',
    '--requestheader-group-headers=X-Remote-Group',
    '--requestheader-extra-headers-prefix=X-Remote-Extra-',
    `--proxy-client-cert-file=${pki}/front-proxy-client.crt`,
    `--proxy-client-key-file=${pki}/front-proxy-client.key`,
    '--enable-aggregator-routing=true',
  ];
}

export function controllerManagerArguments({ dir }: ClusterPaths, net: ClusterNet): string[] {
  return [
    'kube-controller-manager',
    `--kubeconfig=${dir}/kube-controller-manager.kubeconfig`,
    '--bind-address=127.0.0.1',
    '--leader-elect=false',
    '--use-service-account-credentials=true',
    `--service-account-private-key-file=${dir}/pki/sa.key`,
    `--root-ca-file=${dir}/pki/ca.crt`,
    `--cluster-cidr=${net.podCidr}`,
    '--allocate-node-cidrs=false',
    // Without these the first service accounts and so the first Pods come four seconds later.
    '--kube-api-qps=1000',
    '--kube-api-burst=1000',
  ];
}

export function schedulerArguments({ dir }: ClusterPaths): string[] {
  return [
    'kube-scheduler',
    `--kubeconfig=${dir}/kube-scheduler.kubeconfig`,
    '--bind-address=127.0.0.1',
    '--leader-elect=false',
  ];
}

export function kubeletArguments({ dir }: ClusterPaths, net: ClusterNet): string[] {
  return [
    'kubelet',
    `--config=${dir}/kubelet.yaml`,
    `--kubeconfig=${dir}/kubelet.kubeconfig`,
    `--root-dir=${dir}/kubelet`,
    `--cert-dir=${dir}/kubelet-pki`,
    `--hostname-override=${NODE_NAME}`,
    `--node-ip=${net.node}`,
  ];
}

export function kubeletConfig({ dir }: ClusterPaths, net: ClusterNet, cgroupRoot: string): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: net.node,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: `${dir}/pki/ca.crt` },
    },
    authorization: { mode: 'Webhook' },
    cgroupDriver: 'cgroupfs',
    cgroupRoot,
    failSwapOn: false,
    // Machines with cgroup v1 run it all the same.
    failCgroupV1: false,
    clusterDNS: [net.dnsService],
    clusterDomain: 'cluster.local',
    containerRuntimeEndpoint: `unix://${dir}/containerd.sock`,
    resolvConf: `${dir}/resolv.conf`,
    // A machine's full disk is not the cluster's to judge.
    evictionHard: {
      'memory.available': '50Mi',
      'nodefs.available': '1%',
      'imagefs.available': '1%',
      'nodefs.inodesFree': '1%',
    },
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    maxPods: 250,
    serializeImagePulls: false,
    nodeStatusUpdateFrequency: '4s',
    shutdownGracePeriod: '0s',
    logging: { format: 'text' },
  };
}

export function proxyConfig({ dir }: ClusterPaths, net: ClusterNet): object {
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    clientConnection: { kubeconfig: `${dir}/kube-proxy.kubeconfig` },
    clusterCIDR: net.podCidr,
    hostnameOverride: NODE_NAME,
    healthzBindAddress: '127.0.0.1:10256',
    metricsBindAddress: '127.0.0.1:10249',
    mode: 'nftables',
    // It may not set the machine's limits, and exits when it tries.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
  };
}

export function containerdConfig({ dir }: ClusterPaths): string {
  return `version = 2
root = "${dir}/containerd"
state = "/run/containerd"

[grpc]
  address = "${dir}/containerd.sock"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE_IMAGE}"
  # Without it no Pod starts where the score may not be lowered.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${dir}/cni"
`;
}

export function cniConfig(net: ClusterNet): object {
  return {
    cniVersion: '1.0.0',
    name: 'ringback',
    plugins: [
      {
        type: 'bridge',
        bridge: 'cni0',
        isGateway: true,
        // The machine has a route back.
        ipMasq: false,
        hairpinMode: true,
        ipam: {
          type: 'host-local',
          ranges: [[{ subnet: net.podCidr }]],
          routes: [{ dst: '0.0.0.0/0' }],
          dataDir: '/run/cni',
        },
      },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  };
}

/** DNS of the cluster, as a process of the node. It knows no other names: tests need no Internet. */
export function corefile({ dir }: ClusterPaths, net: ClusterNet): string {
  return `.:53 {
  bind ${net.node}
  errors
  ready 127.0.0.1:8181
  kubernetes cluster.local in-addr.arpa {
    kubeconfig ${dir}/coredns.kubeconfig
    pods insecure
    ttl 5
  }
  cache 5
  loadbalance
}
`;
}

/** Objects that a cluster has from the start: its DNS service, and what CoreDNS may read. */
export function firstObjects(net: ClusterNet): object[] {
  return [
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'ringback:coredns' },
      rules: [
        { apiGroups: [''], resources: ['services', 'pods', 'namespaces'], verbs: ['list', 'watch'] },
        { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
      ],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'ringback:coredns' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'ringback:coredns' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'ringback:coredns' }],
    },
    {
      // The API server speaks with the kubelet by its certificate.
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'ringback:kubelet-client' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:kubelet-api-admin' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'kubelet-client' }],
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'kube-dns', namespace: 'kube-system' },
      spec: {
        clusterIP: net.dnsService,
        ports: [
          { name: 'dns', port: 53, protocol: 'UDP' },
          { name: 'dns-tcp', port: 53, protocol: 'TCP' },
        ],
      },
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 'kube-dns-1', namespace: 'kube-system', labels: { 'kubernetes.io/service-name': 'kube-dns' } },
      addressType: 'IPv4',
      ports: [
        { name: 'dns', port: 53, protocol: 'UDP' },
        { name: 'dns-tcp', port: 53, protocol: 'TCP' },
      ],
      endpoints: [{ addresses: [net.node], conditions: { ready: true } }],
    },
  ];
}
