"""Requests made from the published OpenAPI, valid and not: no 5xx, no traceback, and nothing of the request repeated.

The suite sends a hundred; `make faults-serve` sends thousands (NETGAIN_REQUESTS for each operation and kind).
"""

import json
import os
import re
from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.schemas import APIOperation, BaseSchema

from tests.serving.made import make_release
from tests.serving.server import Server, serving

N_REQUESTS = int(os.environ.get("NETGAIN_REQUESTS", "6"))
OWN_WORDS = re.compile(r"\w{5,}")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    place = tmp_path_factory.mktemp("fuzzed")
    (place / "landing").mkdir()
    make_release(place / "releases", place / "night")
    with serving(place, "--no-newcomers") as running:
        yield running


@pytest.fixture(scope="module")
def schema(server: Server) -> BaseSchema:
    return schemathesis.openapi.from_url(f"{server.url}/openapi.json")


def test_every_route_is_described(server: Server, schema: BaseSchema) -> None:
    assert sorted(operation.ok().label for operation in schema.get_all_operations()) == sorted(
        [
            "GET /healthz",
            "GET /metrics",
            "GET /readyz",
            "GET /recommend/{id}",
            "GET /v1/impressions/{id}",
            "GET /v1/listeners/{id}/favourites",
            "GET /v1/listeners/{id}/recommendations",
            "GET /v1/releases/current",
            "POST /v1/events",
            "POST /v1/recommendations",
        ]
    )


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_no_request_breaks_the_server_or_is_repeated(server: Server, schema: BaseSchema, mode: GenerationMode) -> None:
    n_asked = 0
    for found in schema.get_all_operations():
        n_asked += _ask(found.ok(), mode)
    assert n_asked >= N_REQUESTS
    assert server.client.get("/healthz").status_code == 200
    assert "Traceback" not in server.log.read_text(encoding="utf-8")


def _ask(operation: APIOperation, mode: GenerationMode) -> int:
    n = 0

    @settings(
        max_examples=N_REQUESTS, deadline=None, database=None, derandomize=True,
        suppress_health_check=list(HealthCheck), phases=[Phase.generate],
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case) -> None:
        nonlocal n
        answer = case.call(timeout=10)
        n += 1
        assert answer.status_code < 500, (operation.label, answer.text)
        if answer.status_code >= 400:
            message = json.loads(answer.text)["error"]["message"]
            sent = f"{case.path_parameters}{case.query}{case.body if isinstance(case.body, dict | list) else ''}"
            strange = {word for word in OWN_WORDS.findall(sent) if not word.isascii() or any(map(str.isdigit, word))}
            assert not {word for word in strange if word in message}
        elif mode is GenerationMode.POSITIVE:
            case.validate_response(answer, excluded_checks=[])

    try:
        ask()
    except Exception as err:
        if "Unsatisfiable" in type(err).__name__ or "no valid" in str(err).lower():
            return n  # an operation without parameters has no invalid request
        raise
    return n
