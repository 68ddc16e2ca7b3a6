"""The gateway's OpenAPI description, and a page of it that loads nothing from elsewhere."""

import html
import json
from collections.abc import Sequence
from typing import Any

from orchestration_assets.events.contracts import ADAPTER
from orchestration_assets.events.gateway.endpoint import Limits

_REFERENCE = "#/components/schemas/{model}"
_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string"},
                "details": {"type": "array", "items": {"type": "string"}},
            },
        }
    },
}
_RESULT = {
    "type": "object",
    "required": ["status"],
    "properties": {
        "event_id": {"type": "string"},
        "status": {"enum": ["accepted", "duplicate", "refused"]},
        "errors": {"type": "array", "items": {"type": "string"}},
    },
}
_RESULTS = {
    "type": "object",
    "required": ["results"],
    "properties": {"results": {"type": "array", "items": _RESULT}},
}
_COUNTS = {
    "type": "object",
    "required": ["accepted", "duplicates"],
    "properties": {"accepted": {"type": "integer"}, "duplicates": {"type": "integer"}},
}
_REFUSALS = {
    400: "The body is no JSON, or nested too deep.",
    401: "Who sent this is not known, or did not sign it.",
    408: "The body took too long to arrive.",
    413: "The body or the batch is too large.",
    429: "The key sends more than it may; Retry-After says how long to wait.",
    503: "Nothing was kept; Retry-After says when to send it again.",
}
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "pre{background:#f4f4f4;padding:1rem;overflow:auto}code{background:#f4f4f4}"
    "@media (prefers-color-scheme:dark){body{background:#111;color:#eee}"
    "pre,code{background:#222}a{color:#8cf}}"
)


def description(systems: Sequence[str], limits: Limits) -> dict[str, Any]:
    """The OpenAPI document.

    Args:
        systems: whose webhooks are taken.
        limits: what the texts name.
    """
    event = ADAPTER.json_schema(ref_template=_REFERENCE)
    schemas = {**event.pop("$defs"), "FirstPartyEvent": event, "Error": _ERROR}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Accord gateway",
            "version": "1",
            "description": "Events in. A 2xx says that they are on disk; the same event twice is"
            " taken once.",
        },
        "paths": {
            "/v1/events": {"post": _events(limits)},
            "/v1/webhooks/{system}": {"post": _webhooks(systems)},
            "/healthz": {"get": _plain("The process answers.", [200])},
            "/readyz": {"get": _plain("The inbox can be written.", [200, 503])},
            "/metrics": {"get": _plain("Figures in Prometheus' text format.", [200])},
        },
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer"},
                "signature": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "webhook-signature",
                    "description": "Standard Webhooks, with webhook-id and webhook-timestamp.",
                },
            },
        },
    }


def page(document: dict[str, Any]) -> str:
    """The document as one HTML page."""
    parts = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            parts.append(f"<h2><code>{method.upper()} {html.escape(path)}</code></h2>")
            parts.append(f"<p>{html.escape(operation['summary'])}</p><ul>")
            parts += [
                f"<li><code>{status}</code> {html.escape(answer['description'])}</li>"
                for status, answer in operation["responses"].items()
            ]
            parts.append("</ul>")
    for name, schema in document["components"]["schemas"].items():
        text = html.escape(json.dumps(schema, indent=2))
        parts.append(f"<details><summary>{html.escape(name)}</summary><pre>{text}</pre></details>")
    info = document["info"]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{html.escape(info['title'])}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{html.escape(info['title'])}</h1><p>{html.escape(info['description'])}</p>"
        f'<p><a href="openapi.json">openapi.json</a></p>{"".join(parts)}</body></html>'
    )


def _events(limits: Limits) -> dict[str, Any]:
    event = {"$ref": _REFERENCE.format(model="FirstPartyEvent")}
    batch = {"type": "array", "items": event, "minItems": 1, "maxItems": limits.batch}
    return {
        "summary": f"One first-party event, or up to {limits.batch} in an array: each has a result"
        " of its own, and what breaks its contract is refused alone.",
        "security": [{"key": []}, {"signature": []}],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"oneOf": [event, batch]}}},
        },
        "responses": {
            "202": _answer("On disk.", {"oneOf": [_RESULT, _RESULTS]}),
            "422": _answer(
                "No event keeps its contract.",
                {"oneOf": [{"$ref": _REFERENCE.format(model="Error")}, _RESULTS]},
            ),
            **_refusals(),
        },
    }


def _webhooks(systems: Sequence[str]) -> dict[str, Any]:
    return {
        "summary": "A vendor's webhook, signed as the vendor signs.",
        "parameters": [
            {
                "name": "system",
                "in": "path",
                "required": True,
                "schema": {"type": "string", **({"enum": list(systems)} if systems else {})},
            }
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": {}}}},
        "responses": {
            "200": _answer("On disk.", _COUNTS),
            "404": _error("No webhooks of this system are taken here."),
            "422": _error("The vendor signed it, but it is not what its contract says."),
            **_refusals(),
        },
    }


def _refusals() -> dict[str, Any]:
    return {str(status): _error(text) for status, text in _REFUSALS.items()}


def _error(text: str) -> dict[str, Any]:
    return _answer(text, {"$ref": _REFERENCE.format(model="Error")})


def _answer(text: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def _plain(summary: str, statuses: Sequence[int]) -> dict[str, Any]:
    return {
        "summary": summary,
        "responses": {str(s): {"description": "Yes." if s == 200 else "No."} for s in statuses},
    }
