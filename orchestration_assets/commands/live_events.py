"""Shows live batches in Dagster's user interface, off their path and without a run of their own."""

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import structlog

from orchestration_assets.stages.events import LIVE_BATCHES

_SUMMED = ("events", "records", "customers")
_ENDS_WITHIN_S = 10.0
EVERY_S = 5.0
"""Batches that end within so many seconds are noted as one event: noting takes longer than they do,
in the process that they run in."""


class Recorder:
    """Notes batches as events of one asset, from a thread of its own.

    Args:
        home: folder of the embedded stores, in which Dagster's is.
        every_s: seconds between two events.
    """

    def __init__(self, home: Path, every_s: float = EVERY_S) -> None:
        self._home = home
        self._every_s = every_s
        self._batches: list[Mapping[str, Any]] = []
        self._guard = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="live-recorder", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join(timeout=_ENDS_WITHIN_S)

    def add(self, figures: Mapping[str, Any]) -> None:
        """Note a batch soon; its figures hold counts and times, no data."""
        with self._guard:
            self._batches.append(figures)

    def _work(self) -> None:
        # heavy: takes seconds to import
        import dagster as dg

        from orchestration_assets.commands.dagster_runs import open_instance

        with open_instance(self._home) as instance:
            is_last = False
            while not is_last:
                is_last = self._stop.wait(self._every_s)
                with self._guard:
                    batches, self._batches = self._batches, []
                if not batches:
                    continue
                event = dg.AssetMaterialization(list(LIVE_BATCHES), metadata=together(batches))
                try:
                    instance.report_runless_asset_event(event)
                except Exception:
                    structlog.get_logger(__name__).exception("live_batches_not_shown")


def together(batches: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Figures of some batches in one: sums, the newest release, mean seconds of each step."""
    summed = {name: sum(one[name] for one in batches) for name in _SUMMED}
    steps = dict.fromkeys(step for one in batches for step in one["seconds"])
    mean = {
        step: round(sum(one["seconds"].get(step, 0.0) for one in batches) / len(batches), 3)
        for step in steps
    }
    return {
        "batches": len(batches),
        **summed,
        "release_number": batches[-1]["release_number"],
        "mean_seconds": mean,
    }
