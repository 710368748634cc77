"""An Airflow plugin that serves reports/ under /netgain to logged-in users, with links from tasks."""

import os
from pathlib import Path
from typing import ClassVar

from airflow.plugins_manager import AirflowPlugin

from pipeline.scheduling.links import PREFIX, DecisionPage, MonitorPage
from pipeline.settings import load_settings


def _pages() -> object:
    from airflow.api_fastapi.core_api.security import get_user
    from fastapi import Depends, FastAPI
    from fastapi.responses import FileResponse
    from starlette.exceptions import HTTPException

    workspace = Path(os.environ.get("NETGAIN_WORKSPACE", Path(__file__).resolve().parents[3]))
    reports = load_settings(workspace=workspace).reports.resolve()
    app = FastAPI(title="Netgain's pages", docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/{path:path}", dependencies=[Depends(get_user)])
    def page(path: str) -> FileResponse:
        file = (reports / path).resolve()
        if not file.is_relative_to(reports) or not file.is_file() or file.suffix != ".html":
            raise HTTPException(404, "no such page")
        return FileResponse(file, headers={"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"})

    return app


class NetgainPages(AirflowPlugin):
    """The reports and the buttons that open them."""

    name = "netgain"
    fastapi_apps: ClassVar = [{"app": _pages(), "url_prefix": PREFIX, "name": "Netgain's pages"}]
    operator_extra_links: ClassVar = [DecisionPage(), MonitorPage()]
    external_views: ClassVar = [
        {
            "name": "Netgain",
            "href": f"{PREFIX}/index.html",
            "destination": "nav",
            "category": "browse",
            "url_route": "netgain",
        }
    ]
