"""Channels that fail: pauses that grow, and an incident on the other channels.

A line is what fails together; it pauses as a whole when it does not work. A message that a working
channel refuses pauses alone.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import structlog

from orchestration_assets.alerting.channel import Outlet
from orchestration_assets.alerting.due import Due, Look
from orchestration_assets.alerting.incidents import Incident, clear, report
from orchestration_assets.errors import AccordError, FatalError, RetriableError
from orchestration_assets.state import alert_deliveries
from orchestration_assets.state.store import StateStore

PREFIX = "alerting/"
SUBJECT = "layers.alerting"
_FIRST_PAUSE_S = 15.0
# Somebody who repairs a channel should not wait long to see it.
_LONGEST_PAUSE_S = 900.0
_LONGEST_ASKED_FOR_S = 3_600.0
# A single busy answer is no news.
_TOLD_FROM = 2


def pause_after(failures: int, asked_for: float | None = None) -> timedelta:
    """How long to wait after so many failures in a row; no shorter than the vendor asks for."""
    grown = min(_FIRST_PAUSE_S * 2 ** min(failures - 1, 10), _LONGEST_PAUSE_S)
    return timedelta(seconds=max(grown, min(asked_for or 0.0, _LONGEST_ASKED_FOR_S)))


def note_line_failure(state: StateStore, line: str, error: AccordError, now: datetime) -> None:
    """Let a line pause, the longer the more often it failed."""
    before = alert_deliveries.failing_channels(state).get(line)
    failures = (before["failures"] if before else 0) + 1
    asked_for = error.retry_after if isinstance(error, RetriableError) else None
    until = now + pause_after(failures, asked_for)
    alert_deliveries.note_failure(state, line, str(error), until)
    structlog.get_logger(__name__).error("channel_failed", channel=line, failures=failures)


def note_line_success(state: StateStore, line: str) -> None:
    """Forget the failures of a line."""
    if line in alert_deliveries.failing_channels(state):
        alert_deliveries.note_success(state, line)


def note_refusal(state: StateStore, due: Due, error: AccordError, now: datetime) -> None:
    """Let one message pause, the longer the more often it was refused."""
    attempts = (due.row["attempts"] if due.row else 0) + 1
    alert_deliveries.record_refused(
        state, due.alert["id"], due.address, str(error), now + pause_after(attempts)
    )
    structlog.get_logger(__name__).error(
        "alert_refused", channel=due.address, alert=due.alert["dedup_key"]
    )


def report_lines(
    state: StateStore,
    outlets: Mapping[str, Outlet],
    seen: Look,
    errors: Mapping[str, AccordError | None],
) -> bool:
    """Open an incident for each line in trouble, resolve those of lines that work again.

    Args:
        state: the operational store.
        outlets: the channels that are set up.
        seen: what was due.
        errors: what each line that was tried said at last, None where all went well.

    Returns:
        Whether an incident was opened that other channels are to be told of now.
    """
    failing = alert_deliveries.failing_channels(state)
    refused = _refused(state, outlets, seen)
    opened = False
    for line, error in errors.items():
        row = failing.get(line)
        worth_telling = isinstance(error, FatalError) or (row and row["failures"] >= _TOLD_FROM)
        if row and worth_telling:
            opened |= _report(state, line, _of_line(outlets, line), row["error"], None)
        elif line in refused and not row:
            count, text = refused[line]
            opened |= _report(state, line, _of_line(outlets, line), text, count)
    for alert in seen.alerts:
        line = alert["dedup_key"].removeprefix(PREFIX)
        ours = alert["dedup_key"].startswith(PREFIX) and alert["resolved_at"] is None
        if ours and line not in failing and line not in refused:
            clear(state, alert["dedup_key"])
    return opened


def _report(
    state: StateStore, line: str, addresses: Iterable[str], text: str, refused: int | None
) -> bool:
    """Tell of a line in trouble on all the others."""
    title = f"Alerts do not reach {line}" if refused is None else f"{line} refuses {refused} alerts"
    incident = Incident(
        key=f"{PREFIX}{line}",
        title=title,
        what=text.partition(" Next step: ")[0],
        next_step=(text.partition(" Next step: ")[2] or "look at `accord alerts list`.")
        + " What is due is kept and goes out once the channel works.",
        subject=SUBJECT,
        not_to=tuple(addresses),
    )
    return report(state, incident)


def _of_line(outlets: Mapping[str, Outlet], line: str) -> list[str]:
    return sorted(address for address, outlet in outlets.items() if outlet.line == line)


def _refused(
    state: StateStore, outlets: Mapping[str, Outlet], seen: Look
) -> dict[str, tuple[int, str]]:
    """By line: messages that were refused more than once and are still due, and the last reason."""
    found: dict[str, tuple[int, str]] = {}
    for row in alert_deliveries.refused(state, _TOLD_FROM):
        outlet = outlets.get(row["address"])
        if outlet and row["address"] in seen.waiting.get(row["alert_id"], ()):
            count = found.get(outlet.line, (0, ""))[0]
            found[outlet.line] = (count + 1, row["error"])
    return found
