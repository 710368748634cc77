"""Links from Airflow's page to what Netgain writes for people. infra/airflow/plugins serves those pages."""

from typing import Any

from airflow.sdk.bases.operatorlink import BaseOperatorLink

PREFIX = "/netgain"


def base_url() -> str:
    """Where Airflow's page is."""
    from airflow.sdk.configuration import conf

    return str(conf.get("api", "base_url", fallback="http://localhost:8080")).rstrip("/")


def decision_page(as_of: str) -> str:
    """The address of a night's decision."""
    return f"{base_url()}{PREFIX}/decision-{as_of}.html"


class DecisionPage(BaseOperatorLink):  # type: ignore[misc]  # Airflow is not followed by mypy
    """A button on the task that tells the verdict."""

    name = "decision page"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Of the run's own night."""
        return decision_page(str(operator.op_kwargs["as_of"]))


class MonitorPage(BaseOperatorLink):  # type: ignore[misc]  # the same
    """A button that shows how what was served has done."""

    name = "monitor"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The same for every night: the page holds them all."""
        return f"{base_url()}{PREFIX}/monitor.html"
