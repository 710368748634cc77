# Airflow's settings for this workspace, sourced by `make airflow` and by the tests: loopback only, no examples.
export AIRFLOW_HOME="${AIRFLOW_HOME:-$PWD/.airflow}"
export NETGAIN_WORKSPACE="${NETGAIN_WORKSPACE:-$PWD}"
export AIRFLOW__CORE__DAGS_FOLDER="$PWD/dags"
export AIRFLOW__CORE__PLUGINS_FOLDER="$PWD/infra/airflow/plugins"
export AIRFLOW__CORE__LOAD_EXAMPLES=False
export AIRFLOW__CORE__MAX_ACTIVE_RUNS_PER_DAG=1
export AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION=True
export AIRFLOW__CORE__EXECUTOR=LocalExecutor
export AIRFLOW__CORE__PARALLELISM=2
export AIRFLOW__API__HOST=127.0.0.1
export AIRFLOW__API__PORT="${PORT:-8080}"
export AIRFLOW__API__BASE_URL="http://127.0.0.1:$AIRFLOW__API__PORT"
export AIRFLOW__CORE__EXECUTION_API_SERVER_URL="$AIRFLOW__API__BASE_URL/execution/"
# A task without a heartbeat is given up after three minutes and retried. A restart of the API server for a minute ends no
# task: with a heartbeat every five seconds, twelve may fail.
export AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT=180
export AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL=5
export AIRFLOW__WORKERS__MAX_FAILED_HEARTBEATS=12
export AIRFLOW__USAGE_DATA_COLLECTION__ENABLED=False
export GX_ANALYTICS_ENABLED=false MLFLOW_DISABLE_TELEMETRY=true DVC_NO_ANALYTICS=1 SCARF_NO_ANALYTICS=true
