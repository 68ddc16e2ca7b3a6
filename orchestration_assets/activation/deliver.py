"""Delivering: planned rows go out, and every row gets the destination's own answer.

Guarantee: at least once on the wire, once in effect. A row is `sent` in the ledger before the call
goes out; one left `sent` without an answer is sent again under the same idempotency key.
Restrictions are read again right before each batch.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from orchestration_assets.activation.journeys import Journey
from orchestration_assets.errors import FatalError
from orchestration_assets.masking import without_personal_data
from orchestration_assets.model import OutgoingRow, RowResult, RowStatus, Writer
from orchestration_assets.state import ledger
from orchestration_assets.state.restrictions import restricted_subjects
from orchestration_assets.state.store import StateStore

RESTRICTED = f"{ledger.HELD}restricted by the time of sending"
NO_ANSWER = "no answer from the destination; sent again under the same key"
# Restrictions are read anew this often.
BATCH_ROWS = 2_000


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """What a delivery did; counts are rows.

    Args:
        reserved: rows claimed by this delivery.
        sent_again: rows among them that an earlier delivery left without an answer.
        rejected: rows rejected, by the destination's reason; given-up ones are in `dead`.
        unknown: rows without an answer; the next delivery sends them again.
        held: rows kept back at the last moment, by reason.
        error: why the delivery stopped early; None when it went to its end.
    """

    destination: str
    object_name: str
    reserved: int = 0
    sent_again: int = 0
    confirmed: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    unknown: int = 0
    dead: int = 0
    held: Mapping[str, int] = field(default_factory=dict)
    error: str | None = None


@dataclass(slots=True)
class _Tally:
    reserved: int = 0
    sent_again: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)
    error: str | None = None


def deliver(
    state: StateStore,
    writer: Writer,
    journeys: Iterable[Journey],
    run_id: str,
    *,
    batch_rows: int = BATCH_ROWS,
) -> DeliveryResult:
    """Send what is planned for the object that `writer` writes, journeys in the order given.

    A destination that refuses everything (`FatalError`) or answers nothing stops the delivery;
    the rows stay planned, or `sent`, for the next one.

    Args:
        state: the operational store.
        writer: writes one object of one destination.
        journeys: all journeys; those of other destinations are left out.
        run_id: who delivers.
        batch_rows: rows handed to the writer at once, at most 10,000.

    Raises:
        RetriableError: another delivery to the same object is running.
    """
    destination, object_name = writer.system, writer.object_name
    mine = [
        journey
        for journey in journeys
        if (journey.destination, journey.object_name) == (destination, object_name)
    ]
    tally = _Tally()
    with ledger.delivery_lock(state, destination, object_name):
        for journey in mine:
            if tally.error is None:
                _deliver_journey(state, writer, journey, run_id, batch_rows, tally)
        ledger.release_reserved(state, destination, object_name)
    return DeliveryResult(
        destination=destination,
        object_name=object_name,
        reserved=tally.reserved,
        sent_again=tally.sent_again,
        confirmed=tally.outcomes["confirmed"],
        rejected=dict(tally.rejected),
        unknown=tally.outcomes["sent"],
        dead=tally.outcomes["dead"],
        held=dict(tally.held),
        error=tally.error,
    )


def _deliver_journey(
    state: StateStore,
    writer: Writer,
    journey: Journey,
    run_id: str,
    batch_rows: int,
    tally: _Tally,
) -> None:
    place = (journey.destination, journey.object_name, journey.name)
    ledger.reserve(state, *place, run_id)
    after = 0
    while tally.error is None:
        rows = ledger.due(state, *place, after, batch_rows)
        if not rows:
            return
        after = rows[-1]["id"]
        tally.reserved += len(rows)
        rows = _keep_back(state, journey, rows, tally)
        if rows:
            _send(state, writer, journey, run_id, rows, tally)


def _keep_back(
    state: StateStore, journey: Journey, rows: Sequence[dict[str, Any]], tally: _Tally
) -> list[dict[str, Any]]:
    """Hold rows that are restricted by now or whose target has a newer row; return the others."""
    customers, addresses = restricted_subjects(
        state,
        [row["customer_id"] for row in rows],
        [row["target_key"] for row in rows],
        (journey.purpose, journey.channel),
    )
    place = (journey.destination, journey.object_name, journey.name)
    superseded = ledger.newer_targets(state, *place, rows)
    restricted = {
        row["id"]
        for row in rows
        if row["customer_id"] in customers or row["target_key"] in addresses
    }
    superseded -= restricted
    for ids, reason in ((restricted, RESTRICTED), (superseded, ledger.SUPERSEDED)):
        if ids:
            ledger.hold(state, sorted(ids), reason)
            tally.held[reason.removeprefix(ledger.HELD)] += len(ids)
    return [row for row in rows if row["id"] not in restricted | superseded]


def _send(
    state: StateStore,
    writer: Writer,
    journey: Journey,
    run_id: str,
    rows: Sequence[dict[str, Any]],
    tally: _Tally,
) -> None:
    """Send one batch and settle each of its rows."""
    # A row that was taken back since it was read must not go out.
    on_their_way = ledger.mark_sent(state, [row["id"] for row in rows], run_id)
    rows = [row for row in rows if row["id"] in on_their_way]
    if not rows:
        return
    tally.sent_again += sum(row["state"] == "sent" for row in rows)
    outgoing = [
        OutgoingRow(row["idempotency_key"], row["target_key"], row["payload"]) for row in rows
    ]
    try:
        answers = writer.write(outgoing, journey.options)
    except FatalError as error:
        fresh = [row["id"] for row in rows if row["state"] == "reserved"]
        ledger.give_back(state, fresh, f"refused as a whole: {error.message}")
        tally.error = str(error)
        return
    by_key = {answer.idempotency_key: answer for answer in answers}
    outcomes = [_outcome(row, by_key.get(row["idempotency_key"])) for row in rows]
    ledger.settle(state, outcomes)
    for outcome in outcomes:
        tally.outcomes[outcome["state"]] += 1
        if outcome["state"] == "rejected":
            tally.rejected[outcome["reason"]] += 1
    if all(outcome["state"] == "sent" for outcome in outcomes):
        tally.error = (
            f"{journey.destination} answered for none of {len(rows)} rows. Next step: see whether "
            "the system is up; the next delivery sends them again."
        )


def _outcome(row: Mapping[str, Any], answer: RowResult | None) -> dict[str, Any]:
    """The next state of a row; without an answer it stays `sent`."""
    outcome = {
        "row_id": row["id"],
        "state": "sent",
        "reason": NO_ANSWER,
        "vendor_reference": row["vendor_reference"],
        "settled_at": None,
    }
    if answer is None or answer.status is RowStatus.UNKNOWN:
        return outcome
    outcome["settled_at"] = datetime.now(UTC)
    outcome["vendor_reference"] = answer.vendor_reference
    if answer.status is RowStatus.CONFIRMED:
        return outcome | {"state": "confirmed", "reason": None}
    reason = without_personal_data(answer.reason or "rejected without a reason")
    if row["attempts"] + 1 >= ledger.MAX_ATTEMPTS:
        given_up = f"given up after {ledger.MAX_ATTEMPTS} attempts: {reason}"
        return outcome | {"state": "dead", "reason": given_up}
    return outcome | {"state": "rejected", "reason": reason}
