"""Shows live batches in Dagster's user interface, off their path and without a run of their own."""

import queue
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import structlog

from orchestration_assets.stages.events import LIVE_BATCHES

# What is noted while Dagster's store is slow waits here; more is left out.
_WAITING = 10_000


class Recorder:
    """Notes batches as events of one asset, from a thread of its own.

    Args:
        home: folder of the embedded stores, in which Dagster's is.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._queue: queue.Queue[Mapping[str, Any] | None] = queue.Queue(_WAITING)
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
        self._queue.put(None)
        self._thread.join(timeout=10)

    def add(self, figures: Mapping[str, Any]) -> None:
        """Note a batch soon; its figures hold counts and times, no data."""
        try:
            self._queue.put_nowait(figures)
        except queue.Full:
            structlog.get_logger(__name__).warning("live_batch_not_shown")

    def _work(self) -> None:
        # heavy: takes seconds to import
        import dagster as dg

        from orchestration_assets.commands.dagster_runs import open_instance

        with open_instance(self._home) as instance:
            while (figures := self._queue.get()) is not None:
                event = dg.AssetMaterialization(list(LIVE_BATCHES), metadata=dict(figures))
                try:
                    instance.report_runless_asset_event(event)
                except Exception:
                    structlog.get_logger(__name__).exception("live_batch_not_shown")
