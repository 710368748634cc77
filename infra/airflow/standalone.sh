#!/usr/bin/env bash
# What `airflow standalone` starts, on loopback alone. Its log servers would listen on every interface, and no setting
# stops them; without them the page reads the log files itself. No triggerer: nothing in the DAG is deferred.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
umask 077 # the database and the generated password are nobody else's
. infra/airflow/environment.sh

mkdir -p "$AIRFLOW_HOME"
airflow db migrate >"$AIRFLOW_HOME/migrate.log" 2>&1 || { cat "$AIRFLOW_HOME/migrate.log" >&2; exit 1; }
echo "Airflow: $AIRFLOW__API__BASE_URL, user admin, password in $AIRFLOW_HOME/simple_auth_manager_passwords.json.generated"

# Each in a process group of its own, so that Ctrl-C reaches this script alone and each of them is told once: the second
# signal would cut short how the scheduler ends its workers, and then it waits for them for ever.
set -m
finish() {
    trap '' INT TERM HUP
    echo "Airflow stops; a task that is running is given up within a minute, and tried again when Airflow is back"
    local started until=$((SECONDS + 75))
    started=$(jobs -p)
    kill $started 2>/dev/null || true
    while [ -n "$(jobs -rp)" ] && ((SECONDS < until)); do sleep 0.2; done
    for leader in $started; do kill -KILL -- "-$leader" 2>/dev/null || true; done
    netgain spark stop # a night that was cut short has not stopped it
}
trap 'exit 0' INT TERM HUP
trap finish EXIT
airflow api-server </dev/null &
server=$!
# Tasks report to it: one that starts before it listens has failed.
until (: </dev/tcp/127.0.0.1/"$AIRFLOW__API__PORT") 2>/dev/null; do
    kill -0 "$server"
    sleep 0.5
done
# On SQLite another process may change a run under the scheduler, which then ends (StaleDataError): what it was at is in
# the database, and one that starts goes on with it. One that hardly lived would not do better.
schedule() {
    trap 'kill "$scheduler" 2>/dev/null; wait "$scheduler"; exit 0' TERM
    trap - EXIT
    local since
    while since=$SECONDS; do
        airflow scheduler --skip-serve-logs &
        scheduler=$!
        wait "$scheduler" && return
        ((SECONDS - since >= 10)) || return 1
        echo "The scheduler ended with an error; it is started again"
    done
}
schedule </dev/null &
airflow dag-processor </dev/null &
# They serve together or not at all.
wait -n
