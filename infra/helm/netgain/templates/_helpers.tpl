{{- define "netgain.labels" -}}
app.kubernetes.io/name: netgain
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}
{{- define "netgain.selector" -}}
app.kubernetes.io/name: netgain
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
{{- define "netgain.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}
{{- define "netgain.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: {type: RuntimeDefault}
{{- end }}
{{- define "netgain.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}
{{- define "netgain.env" -}}
- {name: NETGAIN_RELEASES, value: {{ .Values.releases | quote }}}
- {name: AWS_ENDPOINT_URL, value: {{ .Values.objectStore.endpoint | quote }}}
- {name: AWS_REGION, value: {{ .Values.objectStore.region | quote }}}
{{- range list "AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY" "NETGAIN_ID_KEY" }}
- name: {{ . }}
  valueFrom: {secretKeyRef: {name: {{ $.Values.existingSecret | quote }}, key: {{ . }}}}
{{- end }}
{{- end }}
