#!/usr/bin/env bash
# The MLflow UI on loopback with a login: user admin, with a password that is made once and that its owner alone can read.
# Nights write to the database directly and need no login.
set -euo pipefail
umask 077
home="$PWD/.netgain/mlflow-login"
mkdir -p "$home"
secret() { [ -s "$home/$1" ] || python -c 'import secrets; print(secrets.token_urlsafe(24))' >"$home/$1"; }
secret password
secret session
cat >"$home/login.ini" <<INI
[mlflow]
default_permission = NO_PERMISSIONS
database_uri = sqlite:///$home/users.db
admin_username = admin
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
INI
# In the environment: arguments can be read by every account of the machine.
MLFLOW_AUTH_ADMIN_PASSWORD=$(cat "$home/password")
MLFLOW_FLASK_SERVER_SECRET_KEY=$(cat "$home/session")
MLFLOW_BACKEND_STORE_URI="${NETGAIN_MLFLOW_URI:-sqlite:///mlflow/mlflow.db}"
export MLFLOW_AUTH_ADMIN_PASSWORD MLFLOW_FLASK_SERVER_SECRET_KEY MLFLOW_BACKEND_STORE_URI
export MLFLOW_AUTH_CONFIG_PATH="$home/login.ini" MLFLOW_DISABLE_TELEMETRY=true MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false
echo "MLflow: http://127.0.0.1:${PORT:-5000}, user admin, password in $home/password"
exec mlflow server --app-name basic-auth --host 127.0.0.1 --port "${PORT:-5000}"
