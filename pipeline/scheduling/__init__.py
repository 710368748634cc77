"""The Airflow side of Netgain: tasks, turns, alerts and links, which the DAGs in dags/ put together."""
