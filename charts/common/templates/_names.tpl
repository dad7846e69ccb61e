{{/* Name of an object of a component. */}}
{{- define "ringback.name" -}}
{{- printf "%s-%s" .ctx.Release.Name .name | trunc 53 | trimSuffix "-" -}}
{{- end -}}

{{- define "ringback.selector" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .ctx.Release.Name }}
{{- end -}}

{{- define "ringback.labels" -}}
{{ include "ringback.selector" . }}
app.kubernetes.io/part-of: ringback
app.kubernetes.io/managed-by: {{ .ctx.Release.Service }}
app.kubernetes.io/version: {{ .ctx.Chart.AppVersion | quote }}
{{- end -}}

{{/* Image of all services. */}}
{{- define "ringback.image" -}}
{{- $image := .Values.global.image -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ required "global.image.tag must be set: what runs has to be known" $image.tag }}
{{- end -}}
{{- end -}}

{{/* Secret with keys and passwords, made once by the umbrella chart or given. */}}
{{- define "ringback.secret" -}}
{{- .Values.global.secretName | default (printf "%s-secrets" .Release.Name) -}}
{{- end -}}

{{- define "ringback.natsUrl" -}}
{{- .Values.global.natsUrl | default (printf "nats://%s-nats.%s.svc:4222" .Release.Name .Release.Namespace) -}}
{{- end -}}

{{/* host:port of a service's gRPC: all its Pods, by a headless Service. */}}
{{- define "ringback.grpc" -}}
{{- printf "%s.%s.svc:7000" (include "ringback.name" .) .ctx.Release.Namespace -}}
{{- end -}}

{{/* Everything PodSecurity `restricted` asks of a Pod. */}}
{{- define "ringback.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "ringback.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Pods of a component on different nodes and in different zones, as far as there are some. */}}
{{- define "ringback.spread" -}}
- maxSkew: 1
  topologyKey: topology.kubernetes.io/zone
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels: {{- include "ringback.selector" . | nindent 6 }}
- maxSkew: 1
  topologyKey: kubernetes.io/hostname
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels: {{- include "ringback.selector" . | nindent 6 }}
{{- end -}}
