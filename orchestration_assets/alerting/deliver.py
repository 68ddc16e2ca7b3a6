"""Telling people: every alert that changed goes to every channel that is to know, once.

What is due is read from the store and noted there channel by channel, so a restart neither loses
nor repeats an alert; only a kill in the moment between a channel's answer and the note sends one
twice, and channels that keep incidents see that it is the same.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime

from orchestration_assets.alerting import failing
from orchestration_assets.alerting.channel import Channel, Outlet, RefusedError
from orchestration_assets.alerting.due import Due, Look, look
from orchestration_assets.alerting.message import Action, Message, compose
from orchestration_assets.alerting.routing import Routing
from orchestration_assets.alerting.storm import close_storms, fold
from orchestration_assets.errors import AccordError, RetriableError
from orchestration_assets.state import alert_deliveries, alerts
from orchestration_assets.state.ledger import delivery_lock
from orchestration_assets.state.store import StateStore

# Dagster ends a tick after 60 s, of which reading runs may take a quarter, waiting for another
# process a third, and the last call a dozen seconds. What is left waits for the next tick.
BUDGET_S = 12.0
LOCK_PATIENCE_S = 20.0
# As many channels at a time; PostgreSQL's pool has connections for twice as many.
_WORKERS = 6
# A hiccup is not worth the pause until the next tick.
_QUICK_RETRY_S = 1.0
# One message in a bad form is its own fault; several in a row say that the channel changed.
_REFUSALS_IN_A_ROW = 3
# An incident about a channel goes out on the others at once.
_PASSES = 2
Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The moment, in UTC."""
    return datetime.now(UTC)


@dataclass
class Desk:
    """What telling people takes.

    Args:
        state: the operational store.
        outlets: the channels that are set up, by address.
        routing: where alerts go.
        now: the clock.
        budget_s: seconds after which nothing more is begun.
    """

    state: StateStore
    outlets: Mapping[str, Outlet]
    routing: Routing
    now: Clock = utc_now
    budget_s: float = BUDGET_S


@dataclass
class _Line:
    """What came of the messages of one line."""

    name: str
    sent: list[Due] = field(default_factory=list)
    error: AccordError | None = None


def deliver_pending(desk: Desk) -> dict[str, int]:
    """Send what people were not told of yet, to all channels side by side.

    Returns:
        `delivered`: alerts that everybody who is to know has been told of now; `failed`: alerts
        that are to be tried again; `folded`: alerts that a storm tells of.

    Raises:
        RetriableError: another process has been telling people for a third of a minute.
    """
    deadline = time.monotonic() + desk.budget_s
    done: set[int] = set()
    left: set[int] = set()
    folded = 0
    with delivery_lock(desk.state, "alerts", "pending", LOCK_PATIENCE_S):
        for _ in range(_PASSES):
            seen, count = _plan(desk)
            folded += count
            lines = _send(desk, seen, deadline)
            finished, unfinished = _settle(desk, seen, lines)
            done |= finished
            left = unfinished
            errors = {line.name: line.error for line in lines}
            if not failing.report_lines(desk.state, desk.outlets, seen, errors):
                break
    return {"delivered": len(done - left), "failed": len(left), "folded": folded}


def _plan(desk: Desk) -> tuple[Look, int]:
    """What is due, after storms were folded and those that are over were closed."""
    seen = _look(desk)
    folded = fold(desk.state, seen, desk.outlets, desk.routing.directory)
    closed = close_storms(desk.state, seen.alerts)
    return (_look(desk) if folded or closed else seen), folded


def _look(desk: Desk) -> Look:
    rows = alerts.unsettled(desk.state)
    told = alert_deliveries.deliveries(desk.state)
    return look(rows, told, desk.routing, desk.outlets, desk.now())


def _send(desk: Desk, seen: Look, deadline: float) -> list[_Line]:
    """Send what is due, each line in a thread of its own so that none waits for another.

    Lines that failed last time begin last: where there are more lines than threads, what works
    does not wait for what may not.
    """
    failed = alert_deliveries.failing_channels(desk.state)
    paused = {name for name, row in failed.items() if row["next_attempt_at"] > desk.now()}
    by_line: dict[str, list[Due]] = {}
    for due in seen.due:
        line = desk.outlets[due.address].line
        if line not in paused:
            by_line.setdefault(line, []).append(due)
    if not by_line:
        return []
    names = sorted(by_line, key=lambda name: name in failed)
    with ThreadPoolExecutor(_WORKERS, thread_name_prefix="alerts") as pool:
        return list(pool.map(lambda name: _serve(desk, name, by_line[name], deadline), names))


def _serve(desk: Desk, name: str, items: Sequence[Due], deadline: float) -> _Line:
    """Send the messages of one line until the time is up or the line fails."""
    line = _Line(name)
    channels: dict[str, Channel] = {}
    refused = 0
    for due in items:
        if time.monotonic() >= deadline or refused >= _REFUSALS_IN_A_ROW:
            break
        try:
            reference = _send_one(desk, channels, due, deadline)
        except RefusedError as error:
            refused += 1
            failing.note_refusal(desk.state, due, error, desk.now())
            continue
        except AccordError as error:
            line.error = error
            failing.note_line_failure(desk.state, name, error, desk.now())
            break
        refused = 0
        _note(desk, due, reference)
        line.sent.append(due)
    if line.sent and line.error is None:
        failing.note_line_success(desk.state, name)
    return line


def _send_one(desk: Desk, channels: dict[str, Channel], due: Due, deadline: float) -> str | None:
    """Send; after a hiccup once more, where the channel asks for no long pause."""
    try:
        return _guarded(desk, channels, due)
    except RetriableError as error:
        pause = _QUICK_RETRY_S if error.retry_after is None else error.retry_after
        if pause > _QUICK_RETRY_S or time.monotonic() + pause >= deadline:
            raise
        time.sleep(pause)
        return _guarded(desk, channels, due)


def _guarded(desk: Desk, channels: dict[str, Channel], due: Due) -> str | None:
    """Make the message and send it; a mistake in one is that message's own trouble."""
    try:
        if due.address not in channels:
            channels[due.address] = desk.outlets[due.address].open()
        return channels[due.address].send(_message(desk, due))
    except AccordError:
        raise
    except Exception as error:
        # Its text may hold what the message holds, or the channel's address.
        raise RefusedError(
            f"The message could not be made ({type(error).__name__}).",
            "report it with the alert's key; the other channels have it.",
        ) from None


def _message(desk: Desk, due: Due) -> Message:
    directory, body = desk.routing.directory, due.alert["body"]
    told = due.row["told_level"] if due.row else 0
    return compose(
        due.alert,
        due.action,
        owner=directory.in_words(body),
        domain=directory.domain(body),
        level=due.level if due.is_new or due.level > told else 0,
        reference=due.row["reference"] if due.row else None,
    )


def _note(desk: Desk, due: Due, reference: str | None) -> None:
    was = bool(due.row and due.row["told_acknowledged"])
    acknowledged = due.alert["acknowledged_at"] is not None
    alert_deliveries.record_told(
        desk.state,
        due.alert,
        due.address,
        level=due.level,
        acknowledged=acknowledged and (was or due.action is Action.ACKNOWLEDGE),
        reference=reference,
    )


def _settle(desk: Desk, seen: Look, lines: Sequence[_Line]) -> tuple[set[int], set[int]]:
    """Note which alerts nobody waits for any more; ids of those told now, and of those left."""
    sent: dict[int, set[str]] = {}
    for line in lines:
        for due in line.sent:
            sent.setdefault(due.alert["id"], set()).add(due.address)
    over = [
        row
        for row in seen.alerts
        if row["delivered_at"] is None
        and not seen.waiting.get(row["id"], frozenset()) - sent.get(row["id"], set())
    ]
    alerts.settle(desk.state, over)
    unsent = {
        due.alert["id"] for due in seen.due if due.address not in sent.get(due.alert["id"], ())
    }
    return set(sent), unsent
