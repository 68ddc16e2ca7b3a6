"""A very small shop over real HTTP: orders, carts, deletions, bulk operations, faults on demand."""

import json
import re
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

TOKEN = "shpat-very-secret"
STARTED_AT = "2026-07-02T00:00:00Z"


def order(number: int, updated_at: str, lines: int = 1) -> dict[str, Any]:
    """An order as the vendor holds it, its line items as plain nodes."""
    money = {"shopMoney": {"amount": "10.00"}}
    return {
        "id": f"gid://shopify/Order/{number}",
        "legacyResourceId": str(number),
        "name": f"#{number}",
        "email": f"person{number}@example.com",
        "updatedAt": updated_at,
        "lineItems": [
            {
                "id": f"gid://shopify/LineItem/{number}{line:03}",
                "title": "Cup \u2028 and saucer",
                "quantity": 1,
                "sku": None,
                "product": None,
                "variant": None,
                "originalUnitPriceSet": money,
                "discountedTotalSet": money,
            }
            for line in range(lines)
        ],
    }


def cart(number: int, updated_at: str) -> dict[str, Any]:
    """An abandoned checkout as the vendor holds it: without an identifier but the global one."""
    return {
        "id": f"gid://shopify/AbandonedCheckout/{number}",
        "name": f"#{number}",
        "updatedAt": updated_at,
        "lineItems": [],
    }


def second(number: int) -> str:
    """A time on the shop's clock."""
    return f"2026-07-01T00:{number // 60:02}:{number % 60:02}Z"


class Shop:
    """Serves GraphQL and bulk results; its page cursors are plain offsets, the worst kind."""

    def __init__(self, server: HTTPServer) -> None:
        self.server = server
        self.orders: list[dict[str, Any]] = []
        self.carts: list[dict[str, Any]] = []
        self.contracts: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.faults: list[Response] = []
        self.busy = 0
        self.max_first = 1000
        self.operations: dict[str, dict[str, Any]] = {}
        self.final: dict[str, Any] = {"status": "COMPLETED"}
        self.cut_downloads: list[int] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.download_headers: list[dict[str, str]] = []
        self.cost: dict[str, Any] | None = None
        server.expect_request("/admin/api/2026-07/graphql.json").respond_with_handler(self._graphql)
        server.expect_request(re.compile("/results/.*")).respond_with_handler(self._download)

    @property
    def connection(self) -> dict[str, str]:
        return {
            "base_url": self.server.url_for("").rstrip("/"),
            "token": TOKEN,
            "api_version": "2026-07",
        }

    def names(self) -> list[str]:
        """Names of the operations called so far."""
        return [name for name, _ in self.calls]

    def _graphql(self, request: Request) -> Response:
        if request.headers.get("X-Shopify-Access-Token") != TOKEN:
            return Response("{}", status=401)
        body = request.get_json()
        found = re.search(r"(?:query|mutation) (\w+)", body["query"])
        assert found
        self.calls.append((found[1], body["variables"]))
        if self.faults:
            return self.faults.pop(0)
        if "abandonedCheckouts" in body["query"] and "bulkOperationRunQuery" not in body["query"]:
            data = self._answer_carts(body["variables"])
        elif "subscriptionContracts" in body["query"]:
            data = self._answer_contracts(body["variables"])
        else:
            data = getattr(self, f"_answer_{found[1].lower()}")(body["variables"])
        if isinstance(data, Response):
            return data
        extensions = {"cost": self.cost} if self.cost else {}
        return answer({"data": data, "extensions": extensions})

    def _answer_changed(self, variables: dict[str, Any]) -> Any:
        if variables["first"] > self.max_first:
            return failure("MAX_COST_EXCEEDED")
        since = re.search(r"updated_at:>='(.*)'", variables["query"] or "")
        rows = sorted(self.orders, key=lambda row: (row["updatedAt"], row["id"]))
        rows = [row for row in rows if not since or row["updatedAt"] >= since[1]]
        page = _page(rows, variables["first"], variables["after"])
        page["nodes"] = [
            {**row, "lineItems": _page(row["lineItems"], variables["inner"], None)}
            for row in page["nodes"]
        ]
        return {"orders": page}

    def _answer_carts(self, variables: dict[str, Any]) -> Any:
        """Newest cart first, whatever changed last: the vendor has no sort key for that."""
        since = re.search(r"updated_at:>='(.*)'", variables["query"] or "")
        rows = [row for row in self.carts if not since or row["updatedAt"] >= since[1]]
        rows.sort(key=lambda row: int(row["id"].rpartition("/")[2]), reverse=True)
        if after := variables.get("after"):
            rows = [row for row in rows if int(row["id"].rpartition("/")[2]) < int(after)]
        page = _page(rows, variables["first"], None)
        if page["nodes"]:
            page["pageInfo"]["endCursor"] = page["nodes"][-1]["id"].rpartition("/")[2]
        nodes = [{**row, "lineItems": _page(row["lineItems"], 9, None)} for row in page["nodes"]]
        return {"abandonedCheckouts": {**page, "nodes": nodes}}

    def _answer_contracts(self, variables: dict[str, Any]) -> Any:
        since = re.search(r"updated_at:>='(.*)'", variables.get("query") or "")
        rows = sorted(self.contracts, key=lambda row: row["updatedAt"])
        rows = [row for row in rows if not since or row["updatedAt"] >= since[1]]
        if "inner" not in variables:
            return {"subscriptionContracts": {"nodes": rows[::-1][: variables["first"]]}}
        page = _page(rows, variables["first"], variables["after"])
        nodes = [{**row, "lines": _page(row["lines"], 9, None)} for row in page["nodes"]]
        return {"subscriptionContracts": {**page, "nodes": nodes}}

    def _answer_newest(self, variables: dict[str, Any]) -> Any:
        rows = sorted(self.orders, key=lambda row: row["updatedAt"], reverse=True)
        return {"orders": {"nodes": rows[: variables["first"]]}}

    def _answer_more(self, variables: dict[str, Any]) -> Any:
        row = next((row for row in self.orders if row["id"] == variables["id"]), None)
        inner = row and _page(row["lineItems"], variables["first"], variables["after"])
        return {"order": row and {"lineItems": inner}}

    def _answer_deletions(self, variables: dict[str, Any]) -> Any:
        since = re.search(r"created_at:>='(.*)'", variables["query"])
        rows = [row for row in self.events if not since or row["createdAt"] >= since[1]]
        rows.sort(key=lambda row: row["createdAt"], reverse=variables["reverse"])
        return {"events": _page(rows, variables["first"], variables["after"])}

    def _answer_bulkstart(self, variables: dict[str, Any]) -> Any:
        if self.busy:
            self.busy -= 1
            error = {"code": "OPERATION_IN_PROGRESS", "field": None, "message": "busy"}
            return {"bulkOperationRunQuery": {"bulkOperation": None, "userErrors": [error]}}
        assert variables["grouped"] is True
        identifier = f"gid://shopify/BulkOperation/{len(self.operations) + 1}"
        lines = []
        is_of_carts = "abandonedCheckouts" in variables["query"]
        for row in self.carts if is_of_carts else self.orders:
            lines.append({key: value for key, value in row.items() if key != "lineItems"})
            lines.extend({**item, "__parentId": row["id"]} for item in row["lineItems"])
        self.operations[identifier] = {
            "id": identifier,
            "createdAt": STARTED_AT,
            "polls": 0,
            "lines": lines,
        }
        started = {"id": identifier, "status": "CREATED", "createdAt": STARTED_AT}
        return {"bulkOperationRunQuery": {"bulkOperation": started, "userErrors": []}}

    def _answer_bulkstatus(self, variables: dict[str, Any]) -> Any:
        operation = self.operations.get(variables["id"])
        if operation is None:
            return {"bulkOperation": None}
        operation["polls"] += 1
        done = operation["polls"] > 1
        count = len(operation["lines"])
        number = variables["id"].rpartition("/")[2]
        return {
            "bulkOperation": {
                "id": operation["id"],
                "createdAt": STARTED_AT,
                "errorCode": None,
                "objectCount": str(count),
                "url": self.server.url_for(f"/results/{number}.jsonl") if done and count else None,
                "partialDataUrl": None,
                **(self.final if done else {"status": "RUNNING"}),
            }
        }

    def _download(self, request: Request) -> Response:
        self.download_headers.append(dict(request.headers))
        number = request.path.rpartition("/")[2].removesuffix(".jsonl")
        operation = self.operations.get(f"gid://shopify/BulkOperation/{number}")
        if operation is None:
            return Response(status=404)
        lines = [json.dumps(line, ensure_ascii=False) for line in operation["lines"]]
        text = "\n".join(lines) + "\n"
        content = text.encode()
        return Response(content[: self.cut_downloads.pop(0)] if self.cut_downloads else content)


def answer(body: Any, status: int = 200, **headers: str) -> Response:
    """A JSON answer."""
    return Response(json.dumps(body), status, headers, content_type="application/json")


def failure(code: str, status: int = 200, cost: dict[str, Any] | None = None) -> Response:
    """A GraphQL error with a code, as it arrives with status 200 or another."""
    error = {"message": f"{code} for person1@example.com", "extensions": {"code": code}}
    return answer({"errors": [error], "extensions": {"cost": cost} if cost else {}}, status)


def _page(rows: list[Any], first: int, after: str | None) -> dict[str, Any]:
    begin = int(after or 0)
    end = begin + first
    info = {"hasNextPage": end < len(rows), "endCursor": str(end)}
    return {"nodes": rows[begin:end], "pageInfo": info}
