{{- define "realtime-operator.selector" -}}
app.kubernetes.io/name: realtime-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "realtime-operator.labels" -}}
{{ include "realtime-operator.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}
