{{/*
One service of the platform with all that belongs to it. Takes: ctx, name, env (a list of environment variables, YAML),
and the chart's values in ctx.Values.
*/}}
{{- define "ringback.service" -}}
{{- $values := .ctx.Values -}}
{{- $name := include "ringback.name" . -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ $name }}
  labels: {{- include "ringback.labels" . | nindent 4 }}
# It never speaks with the API server.
automountServiceAccountToken: false
---
apiVersion: v1
kind: Service
metadata:
  name: {{ $name }}
  labels: {{- include "ringback.labels" . | nindent 4 }}
spec:
  # Headless: clients see all Pods and spread their calls themselves; a virtual IP would give a connection to one of them.
  clusterIP: None
  selector: {{- include "ringback.selector" . | nindent 4 }}
  ports:
    - name: grpc
      port: 7000
      targetPort: grpc
      appProtocol: grpc
    - name: http
      port: 8080
      targetPort: http
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
  labels: {{- include "ringback.labels" . | nindent 4 }}
spec:
  {{- if not $values.autoscaling.enabled }}
  replicas: {{ $values.replicas }}
  {{- end }}
  revisionHistoryLimit: 3
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxSurge: 1
      maxUnavailable: 0
  selector:
    matchLabels: {{- include "ringback.selector" . | nindent 6 }}
  template:
    metadata:
      labels: {{- include "ringback.labels" . | nindent 8 }}
      {{- with $values.podAnnotations }}
      annotations: {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      serviceAccountName: {{ $name }}
      automountServiceAccountToken: false
      enableServiceLinks: false
      terminationGracePeriodSeconds: 30
      {{- with $values.global.imagePullSecrets }}
      imagePullSecrets: {{- toYaml . | nindent 8 }}
      {{- end }}
      securityContext: {{- include "ringback.podSecurity" . | nindent 8 }}
      topologySpreadConstraints: {{- include "ringback.spread" . | nindent 8 }}
      {{- with $values.nodeSelector }}
      nodeSelector: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.tolerations }}
      tolerations: {{- toYaml . | nindent 8 }}
      {{- end }}
      containers:
        - name: {{ .name }}
          image: {{ include "ringback.image" .ctx }}
          imagePullPolicy: {{ $values.global.image.pullPolicy }}
          command: [node, /app/services/{{ .name }}/src/main.ts]
          env:
            - name: GRPC_LISTEN
              value: 0.0.0.0:7000
            - name: HTTP_LISTEN
              value: 0.0.0.0:8080
            - name: NATS_URL
              value: {{ include "ringback.natsUrl" .ctx }}
            {{- with $values.global.region }}
            - name: REGION
              value: {{ . }}
            {{- end }}
            {{- with $values.global.otlpEndpoint }}
            - name: OTEL_EXPORTER_OTLP_ENDPOINT
              value: {{ . }}
            {{- end }}
            {{- with .env }}
            {{- . | nindent 12 }}
            {{- end }}
            {{- range $key, $value := $values.env }}
            - name: {{ $key }}
              value: {{ $value | quote }}
            {{- end }}
          ports:
            - name: grpc
              containerPort: 7000
            - name: http
              containerPort: 8080
          # Its process answers; what it waits for is readiness.
          livenessProbe:
            httpGet: { path: /livez, port: http }
            periodSeconds: 5
            timeoutSeconds: 5
            failureThreshold: 6
          readinessProbe:
            httpGet: { path: /readyz, port: http }
            periodSeconds: 2
            timeoutSeconds: 2
            failureThreshold: 2
          resources: {{- toYaml $values.resources | nindent 12 }}
          securityContext: {{- include "ringback.containerSecurity" . | nindent 12 }}
          volumeMounts:
            - name: tmp
              mountPath: /tmp
      volumes:
        - name: tmp
          emptyDir:
            sizeLimit: 64Mi
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ $name }}
  labels: {{- include "ringback.labels" . | nindent 4 }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels: {{- include "ringback.selector" . | nindent 6 }}
{{- if $values.global.networkPolicies }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ $name }}
  labels: {{- include "ringback.labels" . | nindent 4 }}
spec:
  podSelector:
    matchLabels: {{- include "ringback.selector" . | nindent 6 }}
  policyTypes: [Ingress]
  ingress:
    # gRPC: from the platform's own Pods. Those with their node's network (edges) have no labels here: their nodes are listed.
    - from:
        - podSelector:
            matchLabels:
              app.kubernetes.io/part-of: ringback
        {{- range $values.global.nodeCidrs }}
        - ipBlock:
            cidr: {{ . }}
        {{- end }}
      ports:
        - port: grpc
    # Probes and metrics.
    - ports:
        - port: http
{{- end }}
{{- if $values.autoscaling.enabled }}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ $name }}
  labels: {{- include "ringback.labels" . | nindent 4 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ $name }}
  minReplicas: {{ $values.autoscaling.minReplicas }}
  maxReplicas: {{ $values.autoscaling.maxReplicas }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: {{ $values.autoscaling.cpuPercent }}
{{- end }}
{{- if $values.global.serviceMonitors }}
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  name: {{ $name }}
  labels: {{- include "ringback.labels" . | nindent 4 }}
spec:
  selector:
    matchLabels: {{- include "ringback.selector" . | nindent 6 }}
  endpoints:
    - port: http
      path: /metrics
{{- end }}
{{- end -}}
