"""A warehouse whose every reader and writer is one session that is open already.

With it the steps of a refresh, each of which opens the warehouse for itself, run inside one
transaction: all of them become true together, or none does.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from orchestration_assets.warehouse.engine import Warehouse
from orchestration_assets.warehouse.session import Session


class PinnedWarehouse(Warehouse):
    """Hands out one session; whoever opened that one commits or rolls back.

    Args:
        session: of a writer block that is open.
        warehouse: that it was opened on.
    """

    def __init__(self, session: Session, warehouse: Warehouse) -> None:
        super().__init__(warehouse.url, warehouse.lock_timeout_s)
        self.dialect = warehouse.dialect
        self._session = session

    @contextmanager
    def reader(self) -> Iterator[Session]:
        """The session: what its own transaction has written is seen."""
        yield self._session

    @contextmanager
    def exclusive(self, purpose: str) -> Iterator[None]:
        """The lock is held already."""
        yield

    @contextmanager
    def writer(self, purpose: str) -> Iterator[Session]:
        """The session; nothing is committed at the end."""
        yield self._session

    @contextmanager
    def _transaction(self) -> Iterator[Session]:
        yield self._session
