"""Bulk operations of Shopify: start, wait with bounded patience, stream the result.

A result stands on a storage address of its own, which is never handed the shop's token.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson

from orchestration_assets.connectors.kit.client import make_client
from orchestration_assets.connectors.shopify import queries
from orchestration_assets.connectors.shopify.client import (
    READ_SCOPES,
    SECRET_SETTING,
    GraphQLClient,
)
from orchestration_assets.errors import FatalError, RetriableError

if TYPE_CHECKING:
    import httpx

_FIRST_POLL_S = 0.2
_LONGEST_POLL_S = 10.0
_DOWNLOAD_ATTEMPTS = 3
_DOWNLOAD_WAIT_S = 1.0
_BUSY_CODES = frozenset({"OPERATION_IN_PROGRESS", "LIMIT_REACHED"})
_WORKING = frozenset({"CREATED", "RUNNING"})


class ResultGoneError(Exception):
    """The result of an earlier operation can no longer be fetched; start a new one."""


@dataclass(frozen=True, slots=True)
class BulkResult:
    """A completed operation.

    Args:
        id: global identifier of the operation.
        started_at: the vendor's time of its start.
        url: address of the JSONL; None where nothing matched.
        objects: lines that the JSONL must hold at least.
    """

    id: str
    started_at: str
    url: str | None
    objects: int


def start(client: GraphQLClient, query: str, patience_s: float, *, grouped: bool) -> str:
    """Start a bulk query and return the operation's identifier.

    One operation at a time may run: where another does, wait for its end.

    Raises:
        RetriableError: another operation was still running after `patience_s` seconds.
        FatalError: Shopify does not accept the query.
    """
    variables = {"query": query, "grouped": grouped}
    deadline = time.monotonic() + patience_s
    for wait in _polls():
        answer = client.execute(queries.BULK_START, variables)["bulkOperationRunQuery"]
        if answer["bulkOperation"]:
            return answer["bulkOperation"]["id"]
        codes = {str(error.get("code") or "UNKNOWN") for error in answer["userErrors"]}
        if not codes & _BUSY_CODES and not _says_in_progress(answer["userErrors"]):
            raise FatalError(
                f"shopify: the bulk query was refused ({', '.join(sorted(codes))}).",
                "set ACCORD_SHOPIFY_API_VERSION to a version that the connector was built for.",
            )
        if time.monotonic() + wait > deadline:
            break
        time.sleep(wait)
    raise RetriableError(
        "shopify: another bulk operation is still running.",
        "wait for its end or cancel it in the shop, then run again.",
        retry_after=_LONGEST_POLL_S,
    )


def wait_for(client: GraphQLClient, operation_id: str, patience_s: float) -> BulkResult:
    """Poll an operation until it is complete.

    Raises:
        ResultGoneError: the operation is unknown, expired, or was cancelled.
        RetriableError: it failed, or was still running after `patience_s` seconds.
        FatalError: it failed for want of a scope.
    """
    deadline = time.monotonic() + patience_s
    for wait in _polls():
        operation = client.execute(queries.BULK_STATUS, {"id": operation_id})["bulkOperation"]
        if not operation or operation["status"] in ("EXPIRED", "CANCELED", "CANCELING"):
            raise ResultGoneError(operation_id)
        if operation["status"] == "COMPLETED":
            return BulkResult(
                operation["id"],
                operation["createdAt"],
                operation["url"],
                int(operation["objectCount"]),
            )
        if operation["status"] not in _WORKING:
            raise _failure(operation)
        if time.monotonic() + wait > deadline:
            break
        time.sleep(wait)
    raise RetriableError(
        f"shopify: the bulk operation was not complete after {patience_s:.0f} seconds.",
        "run again; the read continues with the same operation.",
    )


def read_lines(result: BulkResult, after: int = 0) -> Iterator[tuple[int, dict[str, Any]]]:
    """Stream the JSONL from line `after` + 1 on, as pairs of line number and object.

    A broken download is taken up again where it broke, a few times.

    Raises:
        ResultGoneError: the address no longer answers.
        RetriableError: the download kept breaking, or ended before the last object.
    """
    if result.url is None:
        return
    address = urlsplit(result.url)
    done = after
    with make_client(f"{address.scheme}://{address.netloc}", {"Accept": "*/*"}) as http:
        for attempt in range(_DOWNLOAD_ATTEMPTS):
            time.sleep(attempt * _DOWNLOAD_WAIT_S)
            try:
                for number, line in _download(http, result.url, done):
                    yield number, line
                    done = number
            except _BrokenDownloadError:
                continue
            if done >= result.objects:
                return
    raise RetriableError(
        f"shopify: the bulk result broke off after line {done} of {result.objects}.",
        "run again; the read continues after the last landed page.",
    )


class _BrokenDownloadError(Exception):
    """The connection or the file broke off."""


def _download(http: "httpx.Client", url: str, skip: int) -> Iterator[tuple[int, dict[str, Any]]]:
    import httpx

    try:
        with http.stream("GET", url) as response:
            if response.status_code in (403, 404, 410):
                raise ResultGoneError(url.partition("?")[0])
            if response.status_code != 200:
                raise _BrokenDownloadError
            for number, line in enumerate(_lines(response.iter_bytes()), start=1):
                if number > skip:
                    yield number, orjson.loads(line)
    except (httpx.RequestError, orjson.JSONDecodeError):
        raise _BrokenDownloadError from None


def _lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    # Not `iter_lines`, which also splits at line separators that JSON text may hold.
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line for line in whole if line.strip())
    if rest.strip():
        yield rest


def _failure(operation: Mapping[str, Any]) -> Exception:
    code = operation.get("errorCode") or "UNKNOWN"
    if code == "ACCESS_DENIED":
        return FatalError(
            "shopify: the bulk operation was denied (ACCESS_DENIED).",
            f"give the app behind {SECRET_SETTING} {READ_SCOPES}, and install it again.",
        )
    partial = " with partial data, which is not used" if operation.get("partialDataUrl") else ""
    return RetriableError(
        f"shopify: the bulk operation ended {operation['status']} ({code}){partial}.",
        "run the full read again; a new bulk operation is started.",
    )


def _says_in_progress(errors: list[Mapping[str, Any]]) -> bool:
    # The code may be null: then only the text tells.
    return any("already in progress" in str(error.get("message", "")) for error in errors)


def _polls() -> Iterator[float]:
    wait = _FIRST_POLL_S
    while True:
        yield wait
        wait = min(wait * 1.5, _LONGEST_POLL_S)
