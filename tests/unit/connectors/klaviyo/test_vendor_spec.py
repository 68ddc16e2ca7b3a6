"""What the connector sends and expects, against the vendor's own specification."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from pytest_httpserver import HTTPServer
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7
from werkzeug import Request

from orchestration_assets.connectors.kit.http import RetryPolicy
from orchestration_assets.connectors.klaviyo import events_payload
from orchestration_assets.connectors.klaviyo.client import DEFAULT_REVISION, EVENT_LIMITS
from orchestration_assets.connectors.klaviyo.events_writer import KlaviyoEventsWriter
from orchestration_assets.connectors.klaviyo.source import KlaviyoSource
from orchestration_assets.connectors.klaviyo.streams import STREAMS
from orchestration_assets.connectors.klaviyo.writer import KlaviyoProfilesWriter
from orchestration_assets.model import OutgoingRow
from tests.support.lacking import skip_or_fail
from tests.unit.connectors.klaviyo.account import (
    Account,
    campaign,
    event,
    profile,
    row_error,
    second,
)

QUICK = RetryPolicy(attempts=2, seconds=5.0, wait_initial=0.01, wait_jitter=0.0)
# Added by the connector itself.
OWN_PATHS = {"metric_name", "channel"}


@cache
def load(file: Path) -> dict[str, Any]:
    if not file.is_file():
        skip_or_fail(f"Klaviyo's specification is missing: {file}")
    return json.loads(file.read_bytes())


def operation_for(specs: Path, request: Request) -> tuple[dict[str, Any], dict[str, Any]]:
    """The specification's document and operation that a request means."""
    for name in STREAMS:
        document = load(specs / "klaviyo" / f"{name}.json")
        for path, operations in document["paths"].items():
            pattern = re.sub(r"\{\w+\}", "[^/]+", path)
            if re.fullmatch(pattern, request.path) and request.method.lower() in operations:
                return document, operations[request.method.lower()]
    raise AssertionError(f"{request.method} {request.path} is not in the specification")


@pytest.fixture
def requests(httpserver: HTTPServer) -> list[Request]:
    """Every kind of request that the connector makes."""
    account = Account(httpserver)
    account.page_size = 2
    account.rows["profiles"] = [profile(number, second(number)) for number in range(1, 6)]
    account.rows["events"] = [event(number, second(number)) for number in range(1, 6)]
    account.rows["lists"] = [
        {"type": "list", "id": f"L{n}", "attributes": {"name": f"List {n}", "updated": second(n)}}
        for n in range(1, 4)
    ]
    account.rows["campaigns"] = [campaign(number, second(number)) for number in range(1, 6)]
    account.row_errors = {"a@example.com": row_error("a@example.com")}
    source = KlaviyoSource(account.connection, QUICK)
    for stream in STREAMS:
        cursor = list(source.read(stream, None))[-1].cursor
        source.has_changed(stream, cursor)
    payload = {"email": "a@example.com", "first_name": "A", "location.city": "Lyon", "accord_x": 1}
    writer = KlaviyoProfilesWriter(account.connection, QUICK)
    writer.write([OutgoingRow("k", "a@example.com", payload)], {"list_name": "New list"})
    wanted = {"metric_name": "Scored", "time": "at", "value": "worth", "value_currency": "unit"}
    happened = {"at": "2026-07-01 10:00:00", "worth": "9.50", "unit": "EUR", "score": 9}
    KlaviyoEventsWriter(account.connection, QUICK).write(
        [OutgoingRow(f"k{number}", "a@example.com", happened) for number in range(2)], wanted
    )
    return account.requests


def test_the_limits_of_events_are_the_specifications(vendor_specs: Path) -> None:
    document = load(vendor_specs / "klaviyo" / "events.json")
    operations = document["paths"]["/api/event-bulk-create-jobs"]
    assert operations.keys() == {"post"}, "there is no job to ask"
    operation = operations["post"]
    assert operation["x-klaviyo-ratelimit"] == {
        "burst": f"{EVENT_LIMITS.per_second}/s",
        "steady": f"{EVENT_LIMITS.per_minute}/m",
    }
    assert f"up to {events_payload.MAX_EVENTS:,} events per request" in operation["description"]
    assert f"is {events_payload.MAX_REQUEST_BYTES // 1_000_000}MB" in operation["description"]
    assert f"exceed {events_payload.MAX_STRING_BYTES // 1_000}KB" in operation["description"]
    assert "content" not in operation["responses"]["202"], "nor anything in the answer"


def test_every_request_is_one_of_the_specification(
    vendor_specs: Path, requests: list[Request]
) -> None:
    assert "/api/event-bulk-create-jobs" in {request.path for request in requests}
    for request in requests:
        document, operation = operation_for(vendor_specs, request)
        assert document["info"]["version"] == DEFAULT_REVISION
        parameters = {item["name"]: item["schema"] for item in operation["parameters"]}
        for name, value in request.args.items():
            _check_parameter(parameters[name], name, value)
        if text := request.args.get("filter"):
            _check_filter(operation["x-klaviyo-filters"], text)
        if request.method == "POST":
            media = operation["requestBody"]["content"][request.headers["Content-Type"]]
            _validate(document, media["schema"], request.get_json(force=True))


def _check_parameter(schema: dict[str, Any], name: str, value: str) -> None:
    if schema["type"] == "integer":
        assert schema["minimum"] <= int(value) <= schema["maximum"], name
    elif schema["type"] == "array":
        assert set(value.split(",")) <= set(schema["items"]["enum"]), name
    elif "enum" in schema:
        assert value in schema["enum"], name


def _check_filter(allowed: dict[str, Any], text: str) -> None:
    if text.startswith("and("):
        for condition in re.split(r"(?<=\)),", text.removeprefix("and(").removesuffix(")")):
            _check_filter(allowed, condition)
        return
    found = re.fullmatch(r"([\w-]+)\(([\w.]+),(.*)\)", text)
    assert found, text
    operators = allowed[found[2]]["operators"]
    assert found[1] in operators["list" if found[3].startswith("[") else "single"], text


def _validate(document: dict[str, Any], schema: dict[str, Any], body: Any) -> None:
    registry = Registry().with_resource("spec", Resource(document, DRAFT7))
    reference = {"$ref": f"spec{schema['$ref']}"}
    errors = [
        error.message for error in Draft7Validator(reference, registry=registry).iter_errors(body)
    ]
    assert errors == []


@pytest.mark.parametrize("stream", STREAMS)
def test_every_column_is_a_field_of_the_specification(vendor_specs: Path, stream: str) -> None:
    document = load(vendor_specs / "klaviyo" / f"{stream}.json")
    answer = document["paths"][f"/api/{stream}"]["get"]["responses"]["200"]
    (media,) = answer["content"].values()
    (record,) = _step(document, [media["schema"]], "data")
    contract = STREAMS[stream]
    paths = [field.path for field in contract.fields]
    for path in {*paths, *contract.known, contract.record_id, contract.source_at} - OWN_PATHS:
        schemas = [_resolve(document, record)["items"]]
        for step in path.split("."):
            schemas = _step(document, schemas, step)
            assert schemas, f"{contract.key}: {path}"


def _resolve(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def _step(document: dict[str, Any], schemas: list[Any], name: str) -> list[Any]:
    found = []
    for schema in schemas:
        resolved = _resolve(document, schema)
        if name in resolved.get("properties", {}):
            found.append(resolved["properties"][name])
        found += _step(document, resolved.get("allOf", []), name)
    return found
