"""What Airflow needs beyond the command: tasks, whose turn it is, alerts, links. The DAGs in dags/ put it together."""
