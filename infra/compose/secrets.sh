#!/bin/sh
# Makes the passwords of the services, once, in files that their owner alone can read. Never commit them.
set -eu
cd "$(dirname "$0")"
umask 077
[ -e .env ] || for name in POSTGRES_PASSWORD MLFLOW_PASSWORD AIRFLOW_PASSWORD AIRFLOW_JWT_SECRET OBJECTS_SECRET SPARK_SECRET NETGAIN_ID_KEY GRAFANA_PASSWORD; do
    echo "$name=$(openssl rand -hex 32)"
done >.env
[ -e token ] || { openssl rand -hex 32 >token && chmod 644 token; } # containers read it under another account
