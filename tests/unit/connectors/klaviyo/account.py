"""A very small account over real HTTP: what it lists, import jobs, faults on demand."""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from orchestration_assets.model import OutgoingRow, RowResult, Writer

TOKEN = "pk_very_secret"
CAMPAIGN_FILTER = re.compile(
    r"and\(equals\(messages\.channel,'(\w+)'\),equals\(archived,(t|f)\w+\)(?:,(.*))?\)"
)
MEDIA_TYPE = "application/vnd.api+json"


def second(number: int, *, fraction: int = 0) -> str:
    """A time on the account's clock."""
    text = f"2026-07-01T00:{number // 60:02}:{number % 60:02}"
    return f"{text}.{fraction:06}+00:00" if fraction else f"{text}+00:00"


def profile(number: int, updated: str) -> dict[str, Any]:
    """A profile as the vendor answers it."""
    return {
        "type": "profile",
        "id": f"P{number:03}",
        "attributes": {"email": f"person{number}@example.com", "updated": updated},
        "links": {"self": f"https://a.klaviyo.com/api/profiles/P{number:03}"},
    }


def event(number: int, at: str) -> dict[str, Any]:
    """An event as the vendor answers it."""
    return {
        "type": "event",
        "id": f"E{number:03}",
        "attributes": {"datetime": at, "event_properties": {"n": number}},
        "relationships": {
            "profile": {"data": {"type": "profile", "id": "P001"}},
            "metric": {"data": {"type": "metric", "id": "M1"}},
        },
    }


def campaign(
    number: int, updated: str, channel: str = "email", *, archived: bool = False
) -> dict[str, Any]:
    """A campaign as the account holds it; its channel is not in the answer."""
    return {
        "type": "campaign",
        "id": f"C{number:03}",
        "channel": channel,
        "attributes": {"name": f"News {number}", "archived": archived, "updated_at": updated},
    }


class Account:
    """Serves the API's own filters, sorts and pages; its page cursors are plain offsets."""

    def __init__(self, server: HTTPServer) -> None:
        self.server = server
        self.rows: dict[str, list[dict[str, Any]]] = {
            name: [] for name in ("profiles", "events", "lists", "campaigns")
        }
        self.faults: list[Response] = []
        self.requests: list[Request] = []
        self.page_size: int | None = None
        self.imports: list[dict[str, Any]] = []
        self.refuse_job: Any = lambda _document: None
        self.event_jobs: list[list[dict[str, Any]]] = []
        self.refuse_events: Any = lambda _groups: None
        self.row_errors: dict[str, dict[str, Any]] = {}
        self.final: dict[str, Any] = {"status": "complete"}
        server.expect_request(re.compile("/api/.*")).respond_with_handler(self._handle)

    @property
    def connection(self) -> dict[str, str]:
        return {"base_url": self.server.url_for("").rstrip("/"), "token": TOKEN}

    def _handle(self, request: Request) -> Response:
        self.requests.append(request)
        if request.headers.get("Authorization") != f"Klaviyo-API-Key {TOKEN}":
            return failure(401, "not_authenticated")
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", request.headers["revision"])
        assert request.headers["Accept"] == MEDIA_TYPE
        if self.faults:
            return self.faults.pop(0)
        parts = request.path.split("/")[2:]
        if request.method == "POST":
            assert request.headers["Content-Type"] == MEDIA_TYPE
            document = json.loads(request.get_data())
            if parts == ["event-bulk-create-jobs"]:
                return self._new_events(document)
            return self._new_list(document) if parts == ["lists"] else self._new_job(document)
        if parts[0] == "profile-bulk-import-jobs":
            return self._errors(parts[1], request) if len(parts) == 3 else self._job(parts[1])
        return self._listing(parts[0], request)

    def _listing(self, name: str, request: Request) -> Response:
        rows = self.rows[name]
        key = {"events": "datetime", "campaigns": "updated_at"}.get(name, "updated")
        text = request.args.get("filter", "")
        if name == "campaigns":
            found = CAMPAIGN_FILTER.fullmatch(text)
            if not found:
                return failure(400, "invalid_filter")
            rows = [
                {part: value for part, value in row.items() if part != "channel"}
                for row in rows
                if row["channel"] == found[1] and row["attributes"]["archived"] == (found[2] == "t")
            ]
            text = found[3] or ""
        if found := re.fullmatch(r"(greater-than|greater-or-equal)\((\w+),(.*)\)", text):
            assert found[2] == key
            assert (found[1] == "greater-or-equal") is (key != "updated"), "as the vendor allows"
            at, equal = _instant(found[3]), found[1] == "greater-or-equal"
            rows = [
                row
                for row in rows
                if (moment := _instant(row["attributes"][key])) > at or (equal and moment == at)
            ]
        elif found := re.fullmatch(r"equals\(name,(\[.*\])\)", text):
            rows = [row for row in rows if row["attributes"]["name"] in json.loads(found[1])]
        elif text:
            return failure(400, "invalid_filter")
        if sort := request.args.get("sort"):
            assert sort.lstrip("-") == key
            rows = sorted(
                rows,
                key=lambda row: (_instant(row["attributes"][key]), row["id"]),
                reverse=sort.startswith("-"),
            )
        metrics = [{"type": "metric", "id": "M1", "attributes": {"name": "Opened Email"}}]
        included = metrics if request.args.get("include") == "metric" else []
        return self._page(rows, request, included)

    def _page(
        self, rows: list[Any], request: Request, included: list[Any] | None = None
    ) -> Response:
        size = self.page_size or int(request.args.get("page[size]", 10))
        begin = int(request.args.get("page[cursor]", 0))
        links = {"self": request.url, "next": None}
        if begin + size < len(rows):
            links["next"] = f"https://elsewhere.test{request.path}?page%5Bcursor%5D={begin + size}"
        return answer(
            {"data": rows[begin : begin + size], "links": links, "included": included or []}
        )

    def _new_list(self, document: dict[str, Any]) -> Response:
        number = len(self.rows["lists"]) + 1
        item = {"type": "list", "id": f"L{number}", "attributes": document["data"]["attributes"]}
        self.rows["lists"].append(item)
        return answer({"data": item}, 201)

    def _new_job(self, document: dict[str, Any]) -> Response:
        refusal = self.refuse_job(document)
        if refusal is not None:
            return refusal
        self.imports.append(document["data"])
        return answer({"data": {"type": "job", "id": f"J{len(self.imports)}"}}, 202)

    def _new_events(self, document: dict[str, Any]) -> Response:
        groups = document["data"]["attributes"]["events-bulk-create"]["data"]
        refusal = self.refuse_events(groups)
        if refusal is not None:
            return refusal
        self.event_jobs.append(groups)
        return Response(status=202)

    def _job(self, job_id: str) -> Response:
        profiles = self.profiles_of(job_id)
        failed = sum(row["attributes"].get("email") in self.row_errors for row in profiles)
        attributes = {"total_count": len(profiles), "failed_count": failed, **self.final}
        return answer({"data": {"id": job_id, "attributes": attributes}})

    def _errors(self, job_id: str, request: Request) -> Response:
        errors = [
            {"type": "import-error", "id": str(number), "attributes": self.row_errors[email]}
            for number, row in enumerate(self.profiles_of(job_id))
            if (email := row["attributes"].get("email")) in self.row_errors
        ]
        return self._page(errors, request)

    def profiles_of(self, job_id: str) -> list[dict[str, Any]]:
        """The profiles of an accepted job."""
        return self.imports[int(job_id[1:]) - 1]["attributes"]["profiles"]["data"]


def write_all(
    writer: Writer, rows: Sequence[OutgoingRow], options: dict[str, Any]
) -> dict[str, RowResult]:
    """Write, and see that each row has one answer; the answers by idempotency key."""
    results = writer.write(rows, options)
    keys = sorted(result.idempotency_key for result in results)
    assert keys == sorted(row.idempotency_key for row in rows)
    return {result.idempotency_key: result for result in results}


def row_error(email: str | None, code: str = "invalid", pointer: str = "/data") -> dict[str, Any]:
    """An import error; without an e-mail address its original payload is empty."""
    return {
        "code": code,
        "title": "Invalid input",
        "detail": "Not a valid value",
        "source": {"pointer": pointer},
        "original_payload": {"email": email} if email else None,
    }


def answer(body: Any, status: int = 200, **headers: str) -> Response:
    """A JSON:API answer."""
    return Response(json.dumps(body), status, headers, content_type=MEDIA_TYPE)


def failure(status: int, code: str, pointer: str = "/data", **headers: str) -> Response:
    """A JSON:API error."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return failures(status, code, [pointer], **named)


def failures(
    status: int,
    code: str,
    pointers: Sequence[str],
    detail: str = "refused person1@example.com",
    **headers: str,
) -> Response:
    """JSON:API errors that differ in where they lie."""
    errors = [{"code": code, "detail": detail, "source": {"pointer": each}} for each in pointers]
    return answer({"errors": errors}, status, **headers)


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
