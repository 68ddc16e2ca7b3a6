"""What must hold of all that arrived from the systems before the model may take it in.

Nothing here knows a warehouse: the gate makes the table of what arrived, and hands in the bounds
that it drew from each stream's history.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from quality import history
from quality.rules import Rule, Suite
from quality.suites.phrases import no_rows, present, unique_together

NAME = "arrived_whole"
RULES = 8
"""Rules of every suite, whatever the history; one more for each column looked at by itself."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """What is judged of one stream, and its bounds.

    Args:
        stream: `<system>.<stream>`.
        read: records read.
        rejected: records among them that broke their contract and still wait in quarantine.
        new_allowed: how many new records may come; None while there is no history.
        deleted_allowed: how many living records may be deleted.
        deleted_before: how many were deleted within the window already.
        found_nothing: a full reading saw no living record although some were known.
        filled: by column, the least share of records that fill it in.
        places: by column, where it stands in `_filled`, from 1.
    """

    stream: str
    read: int
    rejected: int = 0
    new_allowed: int | None = None
    deleted_allowed: int = history.DELETED_ROWS_ALLOWED
    deleted_before: int = 0
    found_nothing: bool = False
    filled: Mapping[str, float] = field(default_factory=dict)
    places: Mapping[str, int] = field(default_factory=dict)


def landing_suite(table: str, arrivals: Sequence[Arrival]) -> Suite:
    """The suite over what arrived of these streams; of one alone, its words tell the figures.

    Args:
        table: has one row for each record version: `_stream`, `_record_id`, `_source_at`,
            `_row_hash`, `_is_deleted`; the flags `_is_from_future`, `_is_set_back` (older than what
            is known), `_is_new` (no version of the record passed before), `_deletes_living`,
            `_lacks_required`; and `_filled`, which has a `1` at the place of each column that the
            record fills in.
        arrivals: one a stream.
    """
    alone = arrivals[0] if len(arrivals) == 1 else None
    columns = [_filled([alone], name) for name in alone.filled] if alone else [_filled(arrivals)]
    return Suite(
        name=NAME,
        table=table,
        rules=(*_rows(), *_totals(arrivals, alone), *columns),
        expected=RULES + (len(alone.filled) if alone else 1),
        rows_due=False,
    )


def _rows() -> tuple[Rule, ...]:
    version = ("_stream", "_record_id", "_source_at", "_row_hash", "_is_deleted")
    return (
        no_rows(
            "select _record_id from {batch} where _record_id is null or _source_at is null"
            " or _lacks_required",
            "every record has an id, the time of its change and what its contract requires",
        ),
        present("_row_hash", "every record is told apart by its content"),
        no_rows(
            "select _record_id from {batch} where _is_from_future",
            "no record was changed in the future",
        ),
        unique_together(version, "no version arrived twice"),
    )


def _totals(arrivals: Sequence[Arrival], alone: Arrival | None) -> tuple[Rule, ...]:
    rejected = deleted = new = ""
    if alone:
        allowed = history.rejected_allowed(alone.read)
        rejected = f": at most {allowed} of {alone.read} records ({alone.rejected} do)"
        deleted = f": at most {alone.deleted_allowed} within a day ({alone.deleted_before} before)"
        deleted = ": it had records, and is suddenly empty" if alone.found_nothing else deleted
        new = f": at most {alone.new_allowed}" if alone.new_allowed is not None else ""
    return (
        _bounded(
            arrivals,
            lambda one: max(one.rejected - history.rejected_allowed(one.read), 0),
            "b.bound > 0",
            f"few records break their contract{rejected}",
        ),
        _bounded(
            arrivals,
            lambda one: (
                -1 if one.found_nothing else max(one.deleted_allowed - one.deleted_before, 0)
            ),
            "count(distinct case when a._deletes_living then a._record_id end) > b.bound",
            f"a source does not lose many of its living records{deleted}",
        ),
        _bounded(
            [one for one in arrivals if one.new_allowed is not None],
            lambda one: one.new_allowed or 0,
            "count(distinct case when a._is_new then a._record_id end) > b.bound",
            f"no more records are new at once than before{new}",
        ),
        _bounded(
            arrivals,
            lambda _: history.ROWS_FOR_A_SHARE,
            "count(case when not a._is_deleted then 1 end) >= b.bound and"
            " count(case when not a._is_deleted and not a._is_set_back then 1 end) = 0",
            "the system was not set back: of many changes some are newer than what is known",
        ),
    )


def _bounded(
    arrivals: Sequence[Arrival], bound: Callable[[Arrival], int], broken: str, words: str
) -> Rule:
    """No stream, whose rows are `a`, goes beyond its bound `b.bound`."""
    bounds = ", ".join(f"('{one.stream}', {bound(one)})" for one in arrivals) or "('', 0)"
    return no_rows(
        f"select b.stream from (values {bounds}) as b(stream, bound)"
        " left join {batch} as a on a._stream = b.stream"
        f" group by b.stream, b.bound having {broken}",
        words,
    )


def _filled(arrivals: Sequence[Arrival], only: str = "") -> Rule:
    shares = ", ".join(
        f"('{one.stream}', {one.places[column]}, {share})"
        for one in arrivals
        for column, share in one.filled.items()
        if only in ("", column)
    )
    nothing = "('', 1, 0)"
    least = f"{arrivals[0].filled[only]:.0%} of many records fill in" if only else ""
    return no_rows(
        f"select b.stream from (values {shares or nothing}) as b(stream, place, least)"
        " join {batch} as a on a._stream = b.stream and not a._is_deleted"
        " group by b.stream, b.place, b.least"
        f" having count(*) >= {history.ROWS_FOR_A_SHARE} and"
        " count(case when substr(a._filled, b.place, 1) = '1' then 1 end) < b.least * count(*)",
        f"at least {least} {only}, as before" if only else "columns are filled in as before",
    )
