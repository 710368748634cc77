"""The published description of the API (OpenAPI 3.1)."""

from importlib.metadata import version
from typing import Any

from pydantic.json_schema import models_json_schema

from pipeline.serving.events import Events, NewcomerRequest

_TEXT = {"type": "string"}
_NONE = {"type": ["string", "null"]}


def document(*, with_token: bool) -> dict[str, Any]:
    """Return the description.

    Args:
        with_token: whether callers must send a token.
    """
    _, schemas = models_json_schema(
        [(Events, "validation"), (NewcomerRequest, "validation")], ref_template="#/components/schemas/{model}"
    )
    components: dict[str, Any] = {"schemas": {**schemas["$defs"], **_schemas()}}
    about: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "Netgain",
            "version": version("netgain"),
            "description": "Lists of the served release, and events of what became of them.",
        },
        "paths": _paths(with_token=with_token),
        "components": components,
    }
    if with_token:
        components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        about["security"] = [{"token": []}]
    return about


def _schemas() -> dict[str, Any]:
    item = {
        "type": "object",
        "required": ["rank", "item_id", "item_name", "share", "reason"],
        "properties": {
            "rank": {"type": "integer", "minimum": 1},
            "item_id": _TEXT,
            "item_name": _TEXT,
            "share": {"type": ["number", "null"], "description": "The score as a share of the list's best one."},
            "reason": _TEXT,
        },
    }
    about = {
        "lane": {"enum": ["own", "fallback", "folded"]},
        "reason": _TEXT,
        "release": _TEXT,
        "recipe": _TEXT,
        "experiment": _NONE,
        "arm": _NONE,
        "impression_id": _TEXT,
    }
    answer = {
        "type": "object",
        "required": [*about, "items"],
        "properties": {**about, "items": {"type": "array", "items": {"$ref": "#/components/schemas/Item"}}},
    }
    problem = {
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["status", "message"],
                "properties": {"status": {"type": "integer"}, "message": _TEXT},
            }
        },
    }
    return {"Item": item, "Recommendations": answer, "Error": problem}


def _paths(*, with_token: bool) -> dict[str, Any]:
    def answers(ok: dict[str, Any], *more: int, status: int = 200) -> dict[str, Any]:
        always = (400, 429, 500, 503, *((401,) if with_token else ()))
        problem = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
        return {
            str(status): {"description": "The answer", "content": ok},
            **{str(each): {"description": "One line of JSON", **problem} for each in sorted({*always, *more})},
        }

    def json_of(schema: str | None = None) -> dict[str, Any]:
        found = {"$ref": f"#/components/schemas/{schema}"} if schema else {"type": "object"}
        return {"application/json": {"schema": found}}

    def path_id(what: str) -> dict[str, Any]:
        return {
            "name": "id",
            "in": "path",
            "required": True,
            "description": what,
            "schema": {"type": "string", "minLength": 1, "maxLength": 256},
        }

    def body(schema: str) -> dict[str, Any]:
        return {"required": True, "content": json_of(schema)}

    plain = {"text/plain": {"schema": _TEXT}}
    k = {"name": "k", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 1000}}
    listener = path_id("A listener's id, as in the logs; percent-encoded")

    def get(
        summary: str, ok: dict[str, Any], *more: int, parameters: tuple[dict[str, Any], ...] = ()
    ) -> dict[str, Any]:
        about = {"summary": summary, "responses": answers(ok, *more)}
        return {"get": {**about, **({"parameters": list(parameters)} if parameters else {})}}

    return {
        "/v1/listeners/{id}/recommendations": get(
            "A listener's list; unknown listeners get the fallback list", json_of("Recommendations"),
            404, parameters=(listener, k),
        ),
        "/v1/listeners/{id}/favourites": get(
            "What a listener plays most", json_of(), 404, parameters=(listener,)
        ),
        "/recommend/{id}": get(
            "Up to 20 item ids on one line, with commas between them", plain, parameters=(listener,)
        ),
        "/v1/recommendations": {
            "post": {
                "summary": "A list for a newcomer who names a few items",
                "requestBody": body("NewcomerRequest"),
                "responses": answers(json_of("Recommendations"), 408, 413, 415),
            }
        },
        "/v1/events": {
            "post": {
                "summary": "Plays, feedback and shown answers; answered when they are durable",
                "requestBody": body("Events"),
                "responses": answers(json_of(), 408, 413, 415, status=202),
            }
        },
        "/v1/impressions/{id}": get(
            "An answer that was given", json_of(), 404, parameters=(path_id("An impression id of an answer"),)
        ),
        "/v1/releases/current": get("The served release and where it comes from", json_of()),
        "/healthz": get("Whether the process answers", json_of()),
        "/readyz": get("Whether a whole release is served", json_of()),
        "/metrics": get("Prometheus metrics", plain),
    }  # fmt: skip
