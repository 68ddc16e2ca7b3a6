"""Landing single records that a system was asked for by identifier, because it said they changed.

They pass through the same contract, comparison, quarantine and landing gate as those of any other
reading. What a reading of changes brings of them later has landed already, and the other way round.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import orjson

from orchestration_assets.landing.chunks import chunks, stamped
from orchestration_assets.landing.steps import Landing
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
    """Land what the system says now of some records of a stream.

    A record that is gone lands as a deletion, at the system's time of it where that is told, else
    at the time of asking. An identifier that the system could not have given goes into quarantine.
    The stream's cursor stays, and so does a reading of the stream that is under way. For the
    landing gate it is a reading of changes that never tells that all was read: a history does not
    begin with it.

    Args:
        stream: the contract.
        source: the system.
        ids: values of the stream's `record_id`, any number of them.
        warehouse: target; raw table `raw_<system>.<stream>`, made when missing.
        state: takes quarantined records and schema drift.
        home: folder of the embedded stores.

    Returns:
        Counts of rows. Fetching what did not change writes nothing.

    Raises:
        FatalError: wrong credentials or scope.
        RetriableError: the system or the writer lock stayed unavailable; what was stored before
            stays, and fetching all again lands the rest only.
    """
    landing = Landing(stream, warehouse, state, home, beside=True)
    landing.resume()
    try:
        pages = stamped(_pages(landing, source.fetch(stream.name, ids)))
        for chunk in chunks(landing.convert, pages):
            landing.store(chunk)
    finally:
        landing.end(is_complete=False)
    return landing.result()


def _pages(landing: Landing, answers: Iterator[Fetched]) -> Iterator[Page]:
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
