"""Links from Airflow's page to Netgain's reports, which infra/airflow/plugins serves."""

from typing import Any

from airflow.sdk.bases.operatorlink import BaseOperatorLink

PREFIX = "/netgain"


def base_url() -> str:
    """Return the URL of Airflow's page."""
    from airflow.sdk.configuration import conf

    return str(conf.get("api", "base_url", fallback="http://localhost:8080")).rstrip("/")


def decision_page(as_of: str) -> str:
    """Return the URL of a night's decision page."""
    return f"{base_url()}{PREFIX}/decision-{as_of}.html"


class DecisionPage(BaseOperatorLink):  # type: ignore[misc]  # mypy does not follow Airflow
    """A button to the decision page, on the task `verdict`."""

    name = "decision page"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Return the URL of the decision of the run's night."""
        return decision_page(str(operator.op_kwargs["as_of"]))


class MonitorPage(BaseOperatorLink):  # type: ignore[misc]  # the same
    """A button to the monitor page."""

    name = "monitor"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Return the URL of the monitor page, which shows all nights."""
        return f"{base_url()}{PREFIX}/monitor.html"
