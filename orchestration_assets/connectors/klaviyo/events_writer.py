"""Sending events to Klaviyo in bulk: each row happens once, however often it is sent.

Guarantee: at least once, with the effect of once. The `unique_id` of an event is the row's
idempotency key, and Klaviyo records only the first event of a `unique_id` for a profile and metric
(events.json, `unique_id` of `POST /api/events`). Of the bulk endpoint the same file says that a
repeated one fails the request. So no request holds a `unique_id` twice; and where Klaviyo refuses
one as repeated, its event is there from an earlier request, and the rest is sent without it.

An answer of 202 confirms the rows. It says that Klaviyo has validated and taken them, not that it
has processed them, and nothing more ever comes: the answer has no body, and the specification has
no job to ask (the POST is its only operation on `/api/event-bulk-create-jobs`).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from orchestration_assets.connectors.kit.http import RetryPolicy
from orchestration_assets.connectors.klaviyo.client import (
    EVENT_LIMITS,
    POLICY,
    KlaviyoClient,
    errors_of,
)
from orchestration_assets.connectors.klaviyo.events_payload import (
    EventOptions,
    EventRequest,
    PreparedEvent,
    UnfitError,
    event_batches,
    prepare_event,
)
from orchestration_assets.connectors.klaviyo.sending import (
    REFUSED,
    Sending,
    Shaped,
    Verdict,
    pointer_of,
    rejected,
)
from orchestration_assets.errors import FatalError
from orchestration_assets.model import OutgoingRow, RowResult, RowStatus

PATH = "/api/event-bulk-create-jobs"
# Requests that one write may spend, those that find refused rows included: most of what the vendor
# grants in a minute.
MAX_REQUESTS = 120

_REPEATED = re.compile(r"duplicat|repeat|already", re.IGNORECASE)


class KlaviyoEventsWriter:
    """Records events of one metric; a profile that Klaviyo does not know is made.

    A journey keeps one row a `target_key`, the newest. Where several events of one person must all
    go out, let `target_key` be the event's own key and have the payload name the profile.

    Args:
        connection: `base_url`, `token`; optionally `revision`, `requests_per_second` and
            `requests_per_minute`.
        policy: bounds of the retries of one call.
    """

    system = "klaviyo"
    object_name = "events"

    def __init__(self, connection: Mapping[str, str], policy: RetryPolicy = POLICY) -> None:
        self._client = KlaviyoClient(connection, EVENT_LIMITS, policy)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def write(self, rows: Sequence[OutgoingRow], options: Mapping[str, Any]) -> list[RowResult]:
        """Send the rows as events and return one result a row.

        Args:
            rows: payload keys that the options do not name become properties of the event.
            options: `metric_name`: what happened, required; `identifier`: payload key that names
                the profile (`email` by default, `external_id`, `phone_number`), `target_key` where
                the payload lacks it; `time`: payload key of when it happened (ISO 8601, UTC where
                it says no offset), the time of receipt where there is none; `value` and
                `value_currency`: payload keys of what it is worth.

        Raises:
            FatalError: credentials, scope or options are wrong; nothing was accepted.
        """
        if not rows:
            return []
        wanted = EventOptions.of(options)
        sending = Sending[PreparedEvent](MAX_REQUESTS)
        fitting: list[PreparedEvent] = []
        for row in rows:
            try:
                fitting.append(prepare_event(row, wanted))
            except UnfitError as error:
                unfit = RowResult(row.idempotency_key, RowStatus.REJECTED, str(error))
                sending.results.append(unfit)
        for batch in event_batches(fitting):
            sending.send(batch, lambda part: self._send_once(part, sending), "requests")
        return sending.results

    def _send_once(
        self, events: Sequence[PreparedEvent], sending: Sending[PreparedEvent]
    ) -> list[Sequence[PreparedEvent]]:
        """Send one request; return what has to be sent again in other ones."""
        request = EventRequest(events)
        response = self._client.post(PATH, request.document, idempotent=True, accept=REFUSED)
        sending.requests_sent += 1
        if response.status_code < 300:
            sending.maybe_accepted = True
            sending.settle(events, RowStatus.CONFIRMED)
            return []
        errors = errors_of(response)
        if any("/attributes/metric/" in f"{pointer_of(error)}/" for error in errors):
            raise FatalError(
                "klaviyo: the metric of the events was refused.",
                "check metric_name in the options of the journey's YAML.",
            )
        return sending.settle_refused(
            events, errors, lambda error: request.rows_at(pointer_of(error)), _judged
        )


def _judged(error: Mapping[str, Any], row: Shaped) -> Verdict:
    """The row is refused, unless it is for its event being there already."""
    said = f"{error.get('code')} {error.get('title')} {error.get('detail')}"
    about = f"{pointer_of(error)} {error.get('detail')}"
    if "unique_id" in about and _REPEATED.search(said):
        return Verdict(RowStatus.CONFIRMED)
    return rejected(error, row)
