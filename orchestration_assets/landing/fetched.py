"""Landing single records that a system was asked for by identifier, because it said they changed.

They pass through the same contract, comparison, quarantine and landing gate as those of any other
reading. What a reading of changes brings of them later has landed already, and the other way round.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import orjson

from orchestration_assets.landing.chunks import chunks, stamped
from orchestration_assets.landing.steps import ChunkLoader, Landing
from orchestration_assets.model import Fetched, Fetches, LandingResult, Page, Stream
from orchestration_assets.state.quarantine import Rejected
from orchestration_assets.state.store import StateStore
from orchestration_assets.warehouse.engine import Warehouse

REFUSED = "known_identifier"


def land_fetched(
    stream: Stream,
    source: Fetches,
    ids: Sequence[str],
    warehouse: Warehouse,
    state: StateStore,
    home: Path,
) -> LandingResult:
    """Land what the system says now of some records of a stream; see `land_answers`.

    Args:
        stream: the contract.
        source: the system.
        ids: values of the stream's `record_id`, any number of them.
        warehouse: target.
        state: takes quarantined records and schema drift.
        home: folder of the embedded stores.

    Raises:
        FatalError: wrong credentials or scope.
        RetriableError: the system or the writer lock stayed unavailable; what was stored before
            stays, and fetching all again lands the rest only.
    """
    answers = source.fetch(stream.name, ids)
    return land_answers(stream, answers, warehouse, state, home)


def land_answers(
    stream: Stream,
    answers: Iterable[Fetched],
    warehouse: Warehouse,
    state: StateStore,
    home: Path,
    *,
    loader: ChunkLoader | None = None,
) -> LandingResult:
    """Land what a system says of single records of a stream.

    A record that is gone lands as a deletion, at the system's time of it where that is told, else
    at the time of asking. An identifier that the system could not have given goes into quarantine.
    The stream's cursor stays, and so does a reading of the stream that is under way. For the
    landing gate it is a reading of changes that never tells that all was read: a history does not
    begin with it.

    Args:
        stream: the contract.
        answers: what the system says of them.
        warehouse: target; raw table `raw_<system>.<stream>`, made when missing.
        state: takes quarantined records and schema drift.
        home: folder of the embedded stores.
        loader: writes the rows; dlt does where none is named.

    Returns:
        Counts of rows, without those of the whole table. What did not change writes nothing.

    Raises:
        FatalError, RetriableError: as the answers do; what was stored before stays.
    """
    landing = Landing(stream, warehouse, state, home, beside=True, loader=loader)
    landing.resume()
    try:
        pages = stamped(_pages(landing, answers))
        for chunk in chunks(landing.convert, pages):
            landing.store(chunk)
    finally:
        landing.end(is_complete=False)
    return landing.result()


def _pages(landing: Landing, answers: Iterable[Fetched]) -> Iterator[Page]:
    """The answers as pages; what was refused is held on the way."""
    for answer in answers:
        landing.hold(_rejected(answer.refused))
        if answer.records:
            yield Page(answer.records, cursor="")
        if answer.gone:
            yield Page(answer.gone, cursor="", deleted=True)


def _rejected(refused: Mapping[str, str]) -> list[Rejected]:
    return [
        Rejected(key, REFUSED, reason, orjson.dumps({"id": key}).decode())
        for key, reason in refused.items()
    ]
