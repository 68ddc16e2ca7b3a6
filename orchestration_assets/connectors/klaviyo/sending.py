"""What every bulk write to Klaviyo does: requests within bounds, refusals brought home to rows.

Holds nothing of what is written: a request of its own kind is the caller's.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from orchestration_assets.connectors.kit.records import get_path
from orchestration_assets.errors import AccordError, FatalError
from orchestration_assets.masking import without_personal_data, without_values
from orchestration_assets.model import OutgoingRow, RowResult, RowStatus

# Statuses with which Klaviyo refuses what a request holds, not who sends it.
REFUSED = frozenset({400, 409, 413, 422})

_REASON_LENGTH = 500


class Shaped(Protocol):
    """A row that was brought into the shape of a request."""

    @property
    def row(self) -> OutgoingRow:
        """The row as it came."""
        ...


class Verdict(NamedTuple):
    """What an error says about a row."""

    status: RowStatus
    reason: str | None = None


P = TypeVar("P", bound=Shaped)
Judge = Callable[[Mapping[str, Any], P], Verdict]
RowsOf = Callable[[Mapping[str, Any]], Iterable[int]]


@dataclass(slots=True)
class Sending(Generic[P]):
    """What became of the rows of one write so far.

    Args:
        most_requests: requests that the write may spend; a fault that lies in no row must not cost
            a request a row.
        results: the answers, one a settled row.
        requests_sent: those that were answered.
        maybe_accepted: a request was accepted, or its answer was lost.
    """

    most_requests: int
    results: list[RowResult] = field(default_factory=list)
    requests_sent: int = 0
    maybe_accepted: bool = False

    def settle(
        self,
        rows: Sequence[P],
        status: RowStatus,
        reason: str | None = None,
        reference: str | None = None,
    ) -> None:
        """Note the same answer for all of these rows."""
        self.results.extend(
            RowResult(row.row.idempotency_key, status, reason, reference) for row in rows
        )

    def send(
        self, rows: Sequence[P], send_once: Callable[[Sequence[P]], list[Sequence[P]]], what: str
    ) -> None:
        """Send rows as one request; one refused as a whole is split until bad rows stand alone.

        Args:
            rows: what one request can hold.
            send_once: sends one request and returns what has to be sent again in other ones.
            what: the requests in words (`import jobs`), for reasons.

        Raises:
            FatalError: the credentials or options are wrong, and nothing can have been accepted.
        """
        stack = [rows]
        while stack:
            part = stack.pop()
            if self.requests_sent >= self.most_requests:
                reason = f"not sent: {self.most_requests} {what} were spent on finding refused rows"
                self.settle(part, RowStatus.UNKNOWN, reason)
                continue
            try:
                stack.extend(send_once(part))
            except FatalError as error:
                if not self.maybe_accepted:
                    raise
                # Rows that are accepted or in doubt must not be given back as never sent.
                self.settle(part, RowStatus.UNKNOWN, error.message)
            except AccordError as error:
                self.maybe_accepted = True
                self.settle(part, RowStatus.UNKNOWN, error.message)

    def settle_refused(
        self,
        rows: Sequence[P],
        errors: Sequence[Mapping[str, Any]],
        rows_of: RowsOf,
        judge: Judge[P],
    ) -> list[Sequence[P]]:
        """Settle what a refusal says about single rows; return what has to be sent again.

        Args:
            rows: what the refused request held.
            errors: the vendor's errors.
            rows_of: positions of the rows that an error names, none where it names none.
            judge: what an error says about a row that it concerns.
        """
        named: dict[int, Verdict] = {}
        for error in errors:
            for index in rows_of(error):
                verdict = judge(error, rows[index])
                if index not in named or verdict.status is RowStatus.REJECTED:
                    named[index] = verdict
        if len(rows) == 1 and not named:
            unnamed = Verdict(RowStatus.REJECTED, "refused without a reason")
            named[0] = judge(errors[0], rows[0]) if errors else unnamed
        for index, verdict in named.items():
            self.settle([rows[index]], verdict.status, verdict.reason)
        left = [row for index, row in enumerate(rows) if index not in named]
        if named:
            return [left] if left else []
        middle = len(left) // 2
        return [left[:middle], left[middle:]]


def rejected(error: Mapping[str, Any], row: Shaped) -> Verdict:
    """The row is refused for the vendor's reason."""
    return Verdict(RowStatus.REJECTED, reason_of(error, row))


def reason_of(error: Mapping[str, Any], row: Shaped) -> str:
    """The vendor's code and detail in one line, without the row's own values."""
    code, detail = error.get("code") or "error", error.get("detail") or error.get("title")
    values = [row.row.target_key, *_values(row.row.payload)]
    text = without_personal_data(without_values(str(detail or ""), values))
    return (f"{code}: {text}" if text else str(code))[:_REASON_LENGTH]


def pointer_of(error: Mapping[str, Any]) -> str:
    """Where in the request the error lies, as a JSON pointer; empty where it does not say."""
    return str(get_path(error, "source.pointer") or "")


def _values(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for part in value.values():
            yield from _values(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _values(part)
    else:
        yield value
