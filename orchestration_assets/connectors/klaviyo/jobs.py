"""Bulk import jobs of Klaviyo: one request each, polled to its end, its errors matched to rows."""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestration_assets.connectors.kit.records import get_path
from orchestration_assets.connectors.klaviyo.client import KlaviyoClient, next_cursor
from orchestration_assets.connectors.klaviyo.payload import IDENTIFIERS, Prepared
from orchestration_assets.connectors.klaviyo.sending import pointer_of, reason_of

if TYPE_CHECKING:
    import httpx

JOBS_PATH = "/api/profile-bulk-import-jobs"
_PROFILE_POINTER = re.compile(r"/profiles/data/(\d+)(?:/|$)")
_FIRST_POLL_S = 0.2
_LONGEST_POLL_S = 10.0


@dataclass(frozen=True, slots=True)
class JobOutcome:
    """What a finished job said.

    Args:
        rejected: position of a row in the job to the vendor's reason.
        complete: everything that is not in `rejected` was accepted, beyond doubt.
        reason: why `complete` is false.
    """

    rejected: Mapping[int, str]
    complete: bool
    reason: str | None = None


def post_job(
    client: KlaviyoClient,
    rows: Sequence[Prepared],
    list_id: str | None,
    accept: frozenset[int],
) -> "httpx.Response":
    """Send one job; an import that arrives twice has the effect of one."""
    data: dict[str, Any] = {
        "type": "profile-bulk-import-job",
        "attributes": {"profiles": {"data": [row.profile for row in rows]}},
    }
    if list_id:
        data["relationships"] = {"lists": {"data": [{"type": "list", "id": list_id}]}}
    return client.post(JOBS_PATH, {"data": data}, idempotent=True, accept=accept)


def wait_for_job(
    client: KlaviyoClient, job_id: str, rows: Sequence[Prepared], deadline: float
) -> JobOutcome:
    """Poll a job until it ends or `deadline` (monotonic seconds) passes, then read its errors."""
    status = "unknown"
    for wait in _polls():
        attributes = client.get(f"{JOBS_PATH}/{job_id}")["data"]["attributes"]
        status = attributes["status"]
        if status == "complete":
            return _outcome(client, job_id, rows, attributes)
        if status == "cancelled":
            return JobOutcome({}, False, "the import job was cancelled")
        if time.monotonic() + wait > deadline:
            break
        time.sleep(wait)
    return JobOutcome({}, False, f"the import job was still {status} when patience ended")


def _outcome(
    client: KlaviyoClient, job_id: str, rows: Sequence[Prepared], attributes: Mapping[str, Any]
) -> JobOutcome:
    positions = {
        (name, str(value).casefold()): index
        for index, row in enumerate(rows)
        for name, value in row.identity.items()
    }
    rejected: dict[int, str] = {}
    unmatched = listed = 0
    for error in _import_errors(client, job_id):
        listed += 1
        index = _row_of(error, positions, len(rows))
        if index is None:
            unmatched += 1
        else:
            rejected[index] = reason_of(error, rows[index])
    if unmatched:
        return JobOutcome(rejected, False, "the import job has errors that name no row")
    if listed < int(attributes.get("failed_count") or 0):
        return JobOutcome(rejected, False, "the import job does not list all of its errors")
    return JobOutcome(rejected, True)


def _import_errors(client: KlaviyoClient, job_id: str) -> Iterator[Mapping[str, Any]]:
    cursor: str | None = None
    while True:
        params = {"page[size]": "100", **({"page[cursor]": cursor} if cursor else {})}
        document = client.get(f"{JOBS_PATH}/{job_id}/import-errors", params)
        for item in document["data"]:
            yield item["attributes"]
        cursor = next_cursor(document)
        if cursor is None:
            return


def _row_of(
    error: Mapping[str, Any], positions: Mapping[tuple[str, str], int], count: int
) -> int | None:
    payload = error.get("original_payload") or {}
    for path in ("", "attributes.", "data.attributes."):
        for name in IDENTIFIERS:
            value = get_path(payload, f"{path}{name}")
            index = positions.get((name, str(value).casefold()))
            if index is not None:
                return index
    return row_at_pointer(error, count)


def row_at_pointer(error: Mapping[str, Any], count: int) -> int | None:
    """The position that an error's `source.pointer` names, None where it names no row."""
    match = _PROFILE_POINTER.search(pointer_of(error))
    index = int(match[1]) if match else count
    return index if index < count else None


def _polls() -> Iterator[float]:
    wait = _FIRST_POLL_S
    while True:
        yield wait
        wait = min(wait * 1.5, _LONGEST_POLL_S)
