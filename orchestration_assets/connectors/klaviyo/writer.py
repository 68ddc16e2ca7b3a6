"""Writing profiles to Klaviyo by bulk import, with the vendor's own answer for each row.

Guarantee: at least once, with the effect of once. A row is confirmed only when its job is complete
and its errors are known; whatever is in doubt is reported as unknown, and a repeated import of
the same profile changes nothing.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from orchestration_assets.connectors.kit.http import RetryPolicy
from orchestration_assets.connectors.kit.records import get_path
from orchestration_assets.connectors.klaviyo import jobs
from orchestration_assets.connectors.klaviyo.client import (
    JOB_LIMITS,
    POLICY,
    SECRET_SETTING,
    KlaviyoClient,
    errors_of,
)
from orchestration_assets.connectors.klaviyo.payload import (
    MAX_PROFILE_BYTES,
    Prepared,
    batches,
    identifier_of,
    prepare,
)
from orchestration_assets.connectors.klaviyo.sending import (
    REFUSED,
    Sending,
    pointer_of,
    rejected,
)
from orchestration_assets.errors import AccordError, FatalError
from orchestration_assets.model import OutgoingRow, RowResult, RowStatus

DEFAULT_PATIENCE_S = 600.0
# Requests that one write may spend on finding the rows that spoil a job (the vendor grants 150 a
# minute); a fault that lies in no row must not cost a request a row.
MAX_JOBS = 120


class _Sending(Sending[Prepared]):
    """What became of the rows so far, and the jobs that are not at their end."""

    def __init__(self) -> None:
        super().__init__(MAX_JOBS)
        self.running: list[tuple[str, Sequence[Prepared]]] = []


class KlaviyoProfilesWriter:
    """Creates or updates profiles of one account, and puts them on a list where one is named.

    Args:
        connection: `base_url`, `token`; optionally `revision`, `requests_per_second`,
            `requests_per_minute`, and `job_patience_s`, the longest wait for the jobs of one
            write in seconds (ten minutes by default).
        policy: bounds of the retries of one call.
    """

    system = "klaviyo"
    object_name = "profiles"

    def __init__(self, connection: Mapping[str, str], policy: RetryPolicy = POLICY) -> None:
        self._client = KlaviyoClient(connection, JOB_LIMITS, policy)
        self._patience_s = float(connection.get("job_patience_s") or DEFAULT_PATIENCE_S)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def write(self, rows: Sequence[OutgoingRow], options: Mapping[str, Any]) -> list[RowResult]:
        """Import the rows and return one result a row.

        Args:
            rows: payload keys that Klaviyo knows become attributes, all others custom properties.
            options: `list_name`: list that the profiles are added to, made where it is missing;
                `identifier`: what `target_key` is (`email` by default, `external_id`,
                `phone_number`).

        Raises:
            FatalError: credentials, scope or options are wrong; nothing was accepted.
        """
        if not rows:
            return []
        identifier = identifier_of(options)
        sending = _Sending()
        fitting: list[Prepared] = []
        for row in (prepare(row, identifier) for row in rows):
            if row.size > MAX_PROFILE_BYTES:
                reason = f"profile_too_large: more than {MAX_PROFILE_BYTES} bytes"
                sending.settle([row], RowStatus.REJECTED, reason)
            else:
                fitting.append(row)
        list_name = options.get("list_name")
        try:
            list_id = self._list_id(str(list_name)) if list_name and fitting else None
        except FatalError:
            raise
        except AccordError as error:
            sending.settle(fitting, RowStatus.UNKNOWN, error.message)
            return sending.results
        for batch in batches(fitting):
            sending.send(batch, lambda part: self._send_once(part, list_id, sending), "import jobs")
        self._await_jobs(sending)
        return sending.results

    def _send_once(
        self, rows: Sequence[Prepared], list_id: str | None, sending: _Sending
    ) -> list[Sequence[Prepared]]:
        """Send one job; return what has to be sent again in other jobs."""
        response = jobs.post_job(self._client, rows, list_id, REFUSED)
        sending.requests_sent += 1
        if response.status_code >= 300:
            return _after_refusal(rows, errors_of(response), sending)
        sending.running.append((orjson.loads(response.content)["data"]["id"], rows))
        sending.maybe_accepted = True
        return []

    def _await_jobs(self, sending: _Sending) -> None:
        deadline = time.monotonic() + self._patience_s
        for job_id, rows in sending.running:
            try:
                outcome = jobs.wait_for_job(self._client, job_id, rows, deadline)
            except AccordError as error:
                sending.settle(rows, RowStatus.UNKNOWN, error.message, job_id)
                continue
            for index, row in enumerate(rows):
                if index in outcome.rejected:
                    reason = outcome.rejected[index]
                    sending.settle([row], RowStatus.REJECTED, reason, job_id)
                elif outcome.complete:
                    sending.settle([row], RowStatus.CONFIRMED, None, job_id)
                else:
                    sending.settle([row], RowStatus.UNKNOWN, outcome.reason, job_id)

    def _list_id(self, name: str) -> str:
        """Identifier of the list with this name, made where there is none."""
        quoted = orjson.dumps(name).decode()
        found = self._client.get("/api/lists", {"filter": f"equals(name,[{quoted}])"})["data"]
        for item in found:
            if get_path(item, "attributes.name") == name:
                return item["id"]
        response = self._client.post(
            "/api/lists",
            {"data": {"type": "list", "attributes": {"name": name}}},
            idempotent=False,
            accept=REFUSED,
        )
        if response.status_code >= 300:
            raise FatalError(
                "klaviyo: the list could not be made.",
                f"make it by hand, or give the token in {SECRET_SETTING} the scope lists:write.",
            )
        return orjson.loads(response.content)["data"]["id"]


def _after_refusal(
    rows: Sequence[Prepared], errors: Sequence[Mapping[str, Any]], sending: _Sending
) -> list[Sequence[Prepared]]:
    """Settle what the refusal says about single rows; return what has to be sent again."""

    def rows_of(error: Mapping[str, Any]) -> tuple[int, ...]:
        index = jobs.row_at_pointer(error, len(rows))
        return () if index is None else (index,)

    names_a_row = any(rows_of(error) for error in errors)
    if not names_a_row and any(_concerns_list(error) for error in errors):
        raise FatalError(
            "klaviyo: the import job's list was refused.",
            "check list_name in the journey's YAML, and that the list still exists.",
        )
    return sending.settle_refused(rows, errors, rows_of, rejected)


def _concerns_list(error: Mapping[str, Any]) -> bool:
    pointer = pointer_of(error)
    return "/relationships/" in pointer or "/lists" in pointer
