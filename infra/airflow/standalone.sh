#!/usr/bin/env bash
# Starts what `airflow standalone` starts, on loopback only. Its log servers would listen on every interface, and no
# setting prevents that; without them the page reads the log files itself. No triggerer: the DAG defers nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
umask 077 # the database and the generated password must be readable by the owner only
. infra/airflow/environment.sh

mkdir -p "$AIRFLOW_HOME"
airflow db migrate >"$AIRFLOW_HOME/migrate.log" 2>&1 || { cat "$AIRFLOW_HOME/migrate.log" >&2; exit 1; }
echo "Airflow: $AIRFLOW__API__BASE_URL, user admin, password in $AIRFLOW_HOME/simple_auth_manager_passwords.json.generated"

# Each in a process group of its own, so that Ctrl-C reaches this script only and each process is signalled once: a second
# signal would interrupt the scheduler while it ends its workers, and it would then wait for them forever.
set -m
finish() {
    trap '' INT TERM HUP
    echo "Stopping Airflow; a running task is given up within a minute and retried when Airflow is back"
    local started until=$((SECONDS + 75))
    started=$(jobs -p)
    kill $started 2>/dev/null || true
    while [ -n "$(jobs -rp)" ] && ((SECONDS < until)); do sleep 0.2; done
    for leader in $started; do kill -KILL -- "-$leader" 2>/dev/null || true; done
    netgain spark stop # an interrupted night has not stopped it
}
trap 'exit 0' INT TERM HUP
trap finish EXIT
airflow api-server </dev/null &
server=$!
# Tasks report to the API server: one that starts before it listens would fail.
until (: </dev/tcp/127.0.0.1/"$AIRFLOW__API__PORT") 2>/dev/null; do
    kill -0 "$server"
    sleep 0.5
done
# On SQLite, another process may change a run under the scheduler, which then ends (StaleDataError). The state is in the
# database, so a new scheduler goes on with it. One that ended within seconds would only fail again.
schedule() {
    trap 'kill "$scheduler" 2>/dev/null; wait "$scheduler"; exit 0' TERM
    trap - EXIT
    local since
    while since=$SECONDS; do
        airflow scheduler --skip-serve-logs &
        scheduler=$!
        wait "$scheduler" && return
        ((SECONDS - since >= 10)) || return 1
        echo "The scheduler ended with an error; restarting it"
    done
}
schedule </dev/null &
airflow dag-processor </dev/null &
# All processes run, or none.
wait -n
