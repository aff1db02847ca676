{{- define "guard.name" -}}
{{- $name := ternary .Release.Name (printf "%s-%s" .Release.Name .Chart.Name) (contains .Chart.Name .Release.Name) -}}
{{ $name | trunc 50 | trimSuffix "-" }}
{{- end }}

{{/* Labels that pick the pods of one component: (list $ "engine"). */}}
{{- define "guard.selector" -}}
{{- $ := index . 0 -}}
app.kubernetes.io/name: {{ $.Chart.Name }}
app.kubernetes.io/instance: {{ $.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "guard.labels" -}}
{{- $ := index . 0 -}}
{{ include "guard.selector" . }}
app.kubernetes.io/version: {{ $.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $.Release.Service }}
helm.sh/chart: {{ $.Chart.Name }}-{{ $.Chart.Version }}
{{- end }}

{{- define "guard.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "guard.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "guard.scheme" -}}
{{ if .Values.frontend.tls.secret }}https{{ else }}http{{ end }}
{{- end }}

{{- define "guard.tokenizer" -}}
{{ .Values.model.tokenizer | default .Values.model.source }}
{{- end }}

{{/* Whether the hub can be asked: with the model in a volume nothing need be downloaded. */}}
{{- define "guard.hub" -}}
{{- if .Values.model.claim }}
- name: HF_HUB_OFFLINE
  value: "1"
{{- end }}
{{- if .Values.model.hubToken.secret }}
- name: HF_TOKEN
  valueFrom:
    secretKeyRef:
      name: {{ .Values.model.hubToken.secret }}
      key: {{ .Values.model.hubToken.key }}
{{- end }}
{{- end }}

{{/* The settings of a front end; migrations and the proof have them too. */}}
{{- define "guard.settings" -}}
- name: GUARD_MODEL
  value: {{ .Values.model.name | quote }}
- name: GUARD_TOKENIZER
  value: {{ include "guard.tokenizer" . | quote }}
- name: GUARD_UPSTREAM
  value: http://{{ include "guard.name" . }}-router:8000
- name: GUARD_DATABASE
  valueFrom:
    secretKeyRef:
      name: {{ .Values.secrets.database.secret }}
      key: {{ .Values.secrets.database.key }}
- name: GUARD_ENGINE_TOKEN_FILE
  value: /etc/guard/secrets/engine.token
- name: GUARD_ADMIN_KEY_FILE
  value: /etc/guard/secrets/admin.key
{{- if .Values.secrets.engineKey.secret }}
- name: GUARD_UPSTREAM_KEY_FILE
  value: /etc/guard/secrets/engine.key
{{- end }}
{{- if .Values.secrets.auditKey.secret }}
- name: GUARD_AUDIT_KEY
  value: /etc/guard/secrets/audit.key
{{- end }}
{{- if .Values.secrets.policy.secret }}
- name: GUARD_POLICY
  value: /etc/guard/secrets/policy.yaml
{{- end }}
{{- with include "guard.hub" . }}
{{- . }}
{{- end }}
{{- range $name, $value := .Values.frontend.settings }}
- name: {{ $name }}
  value: {{ $value | toString | quote }}
{{- end }}
{{- end }}

{{- define "guard.frontMounts" -}}
- name: secrets
  mountPath: /etc/guard/secrets
  readOnly: true
- name: data
  mountPath: /var/lib/guard
- name: cache
  mountPath: /var/cache/guard
- name: tmp
  mountPath: /tmp
{{- if .Values.model.claim }}
- name: model
  mountPath: /model
  readOnly: true
{{- end }}
{{- end }}

{{- define "guard.frontVolumes" -}}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      - secret:
          name: {{ .Values.secrets.engineToken.secret }}
          items: [{key: {{ .Values.secrets.engineToken.key }}, path: engine.token}]
      - secret:
          name: {{ .Values.secrets.adminKey.secret }}
          items: [{key: {{ .Values.secrets.adminKey.key }}, path: admin.key}]
      {{- with .Values.secrets.engineKey }}
      {{- if .secret }}
      - secret:
          name: {{ .secret }}
          items: [{key: {{ .key }}, path: engine.key}]
      {{- end }}
      {{- end }}
      {{- with .Values.secrets.auditKey }}
      {{- if .secret }}
      - secret:
          name: {{ .secret }}
          items: [{key: {{ .key }}, path: audit.key}]
      {{- end }}
      {{- end }}
      {{- with .Values.secrets.policy }}
      {{- if .secret }}
      - secret:
          name: {{ .secret }}
          items: [{key: {{ .key }}, path: policy.yaml}]
      {{- end }}
      {{- end }}
{{ include "guard.scratch" . }}
{{- end }}

{{/* What every pod may write to, and the model. */}}
{{- define "guard.scratch" -}}
- name: data
  emptyDir: {}
- name: cache
  emptyDir: {}
- name: tmp
  emptyDir: {}
{{- if .Values.model.claim }}
- name: model
  persistentVolumeClaim:
    claimName: {{ .Values.model.claim }}
    readOnly: true
{{- end }}
{{- end }}

{{/* Where a pod may run: (list $ .Values.engine). */}}
{{- define "guard.placement" -}}
{{- $ := index . 0 -}}
{{- with $.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with (index . 1) }}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}
