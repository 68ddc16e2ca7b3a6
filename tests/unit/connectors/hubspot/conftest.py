"""A small HubSpot account behind real HTTP, as far as the connector calls it."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from orchestration_assets.connectors.hubspot.streams import STREAMS

TOKEN = "pat-eu1-0123-secret"
LIVES = 1_760_000_000_000


def iso(millis: int) -> str:
    moment = datetime.fromtimestamp(millis / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Account:
    """Objects by type and identifier, and what was asked of the server."""

    START = LIVES
    TOKEN = TOKEN

    def __init__(self, server: HTTPServer) -> None:
        self.objects: dict[str, dict[str, dict]] = {stream: {} for stream in STREAMS}
        self.links: dict[tuple[str, str, str], list[str]] = {}
        self.properties: list[dict] = [{"name": "email"}, {"name": "firstname"}]
        self.upserts: list[list[dict]] = []
        self.calls: list[tuple[str, str]] = []
        self.bodies: list[tuple[str, dict]] = []
        self.answer_upsert: Callable[[list[dict]], Response] = self.accept_all
        self.before: Callable[[Request], Response | None] = lambda request: None
        self.connection = {
            "base_url": server.url_for("").rstrip("/"),
            "token": TOKEN,
            "requests_per_10s": "100000",
            "searches_per_s": "10000",
        }
        server.expect_request(re.compile("/.*")).respond_with_handler(self.serve)

    def put(self, kind: str, number: int, at: int = LIVES, **properties: object) -> None:
        """Make or change an object at a time in milliseconds."""
        modified = "lastmodifieddate" if kind == "contacts" else "hs_lastmodifieddate"
        self.objects[kind][str(number)] = {
            "id": str(number),
            "properties": {**properties, modified: iso(at), "hs_object_id": str(number)},
            "createdAt": iso(LIVES),
            "updatedAt": iso(at),
            "archived": False,
        }

    def archive(self, kind: str, number: int, at: int) -> None:
        self.objects[kind][str(number)] |= {"archived": True, "archivedAt": iso(at)}

    def serve(self, request: Request) -> Response:
        self.calls.append((request.method, request.path))
        if request.data:
            self.bodies.append((request.path, json.loads(request.data)))
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return reply({"status": "error", "category": "INVALID_AUTHENTICATION"}, 401)
        early = self.before(request)
        if early is not None:
            return early
        parts = request.path.strip("/").split("/")
        if parts[:3] == ["crm", "v3", "properties"]:
            return self._properties(request)
        if parts[:3] == ["crm", "v4", "associations"]:
            return self._associations(request, parts[3], parts[4])
        kind, rest = parts[3], parts[4:]
        if not rest:
            return self._list(request, kind)
        if rest == ["search"]:
            return self._search(json.loads(request.data), kind)
        if rest == ["batch", "read"]:
            return self._batch_read(json.loads(request.data), kind)
        assert rest == ["batch", "upsert"]
        inputs = json.loads(request.data)["inputs"]
        self.upserts.append(inputs)
        return self.answer_upsert(inputs)

    def accept_all(self, inputs: list[dict]) -> Response:
        results = [
            {"id": f"9{n}", "new": False, "objectWriteTraceId": item["objectWriteTraceId"]}
            for n, item in enumerate(inputs)
        ]
        return reply({"status": "COMPLETE", "results": results})

    def _shown(self, kind: str, record: dict, history: list[str]) -> dict:
        shown = dict(record)
        if history:
            at = record["updatedAt"]
            shown["propertiesWithHistory"] = {
                name: [{"value": record["properties"].get(name), "timestamp": at}]
                for name in history
            }
        return shown

    def _list(self, request: Request, kind: str) -> Response:
        archived = request.args["archived"] == "true"
        history = [n for n in request.args.get("propertiesWithHistory", "").split(",") if n]
        limit, after = int(request.args["limit"]), int(request.args.get("after", 0))
        assert limit <= (50 if history else 100)
        ids = sorted(map(int, self.objects[kind]))
        ids = [n for n in ids if n > after and self.objects[kind][str(n)]["archived"] is archived]
        page = [self._shown(kind, self.objects[kind][str(n)], history) for n in ids[:limit]]
        body: dict = {"results": page}
        if len(ids) > limit:
            body["paging"] = {"next": {"after": str(ids[limit - 1])}}
        return reply(body)

    def _search(self, body: dict, kind: str) -> Response:
        assert body["limit"] <= 200

        def value(record: dict, name: str) -> int:
            text = record["properties"][name]
            if text.isdigit():
                return int(text)
            return round(datetime.fromisoformat(text).timestamp() * 1000)

        compare = {"GTE": int.__ge__, "GT": int.__gt__, "EQ": int.__eq__}
        found = [record for record in self.objects[kind].values() if not record["archived"]]
        for rule in body["filterGroups"][0]["filters"]:
            name, test = rule["propertyName"], compare[rule["operator"]]
            found = [r for r in found if test(value(r, name), int(rule["value"]))]
        assert len(body["sorts"]) == 1
        order = body["sorts"][0]
        found.sort(
            key=lambda r: value(r, order["propertyName"]),
            reverse=order["direction"] == "DESCENDING",
        )
        return reply({"total": len(found), "results": found[: body["limit"]]})

    def _batch_read(self, body: dict, kind: str) -> Response:
        assert len(body["inputs"]) <= 50
        records = (self.objects[kind].get(item["id"]) for item in body["inputs"])
        results = [
            self._shown(kind, r, body["propertiesWithHistory"])
            for r in records
            if r and not r["archived"]
        ]
        return reply({"results": results}, 200 if len(results) == len(body["inputs"]) else 207)

    def _associations(self, request: Request, start: str, end: str) -> Response:
        results, errors = [], []
        for item in json.loads(request.data)["inputs"]:
            targets = self.links.get((start, item["id"], end), [])
            first = int(item.get("after", 0))
            page = targets[first : first + 2]
            if not page:
                none = "crm.associations.NO_ASSOCIATIONS_FOUND"
                errors.append({"category": "OBJECT_NOT_FOUND", "subCategory": none})
                continue
            to = [{"toObjectId": int(t), "associationTypes": []} for t in page]
            results.append({"from": {"id": item["id"]}, "to": to})
            if len(targets) > first + 2:
                results[-1]["paging"] = {"next": {"after": str(first + 2)}}
        return reply({"status": "COMPLETE", "results": results, "errors": errors}, 207)

    def _properties(self, request: Request) -> Response:
        if request.method == "GET":
            return reply({"results": self.properties})
        made = json.loads(request.data)
        if any(item["name"] == made["name"] for item in self.properties):
            return reply({"status": "error", "category": "OBJECT_ALREADY_EXISTS"}, 409)
        self.properties.append(made)
        return reply(made, 201)


def reply(body: object, status: int = 200) -> Response:
    return Response(json.dumps(body), status=status, content_type="application/json")


@pytest.fixture
def account(httpserver: HTTPServer) -> Iterator[Account]:
    made = Account(httpserver)
    yield made
    httpserver.check_assertions()
