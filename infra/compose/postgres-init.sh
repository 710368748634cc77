#!/bin/sh
# A database and an account each for MLflow and Airflow.
set -eu
for name in mlflow airflow; do
    case $name in mlflow) password=$MLFLOW_PASSWORD ;; *) password=$AIRFLOW_PASSWORD ;; esac
    psql --username "$POSTGRES_USER" --set ON_ERROR_STOP=1 --set name="$name" --set password="$password" <<'SQL'
create role :"name" login password :'password';
create database :"name" owner :"name";
SQL
done
