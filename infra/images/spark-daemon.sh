#!/bin/sh
# Runs a Spark master or worker in the foreground: spark-daemon.sh master HOST | worker spark://master:7077
set -eu
export SPARK_HOME="${SPARK_HOME:-$(python -c 'import pathlib, pyspark; print(pathlib.Path(pyspark.__file__).parent)')}"
JAVA_HOME=$(python -c 'import pathlib; from pipeline.runtime.java import ensure_java_home; print(ensure_java_home(pathlib.Path("/tmp/java")))')
export JAVA_HOME
case $1 in
    master) set -- org.apache.spark.deploy.master.Master --host "$2" --port 7077 ;;
    worker) set -- org.apache.spark.deploy.worker.Worker "$2" ;;
    *) echo "spark-daemon.sh: master HOST, or worker URL" >&2; exit 2 ;;
esac
exec "$SPARK_HOME/bin/spark-class" "$@"
