"""One deployment: its settings, and the stores and systems they name, opened when asked for."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from orchestration_assets.connectors.catalog import SYSTEMS, open_source, open_writer
from orchestration_assets.model import Source, Writer
from orchestration_assets.settings import Settings, load_settings
from orchestration_assets.state.store import StateStore, open_state
from orchestration_assets.warehouse.engine import Warehouse, open_warehouse
from orchestration_assets.warehouse.pinned import PinnedWarehouse
from orchestration_assets.warehouse.session import Session


@dataclass
class Deployment:
    """What every stage is handed; safe to make at any time, nothing is opened until used."""

    settings: Settings = field(default_factory=load_settings)

    @cached_property
    def home(self) -> Path:
        """Folder of the embedded stores and work files; made when missing."""
        self.settings.root.mkdir(parents=True, exist_ok=True)
        return self.settings.root

    @cached_property
    def warehouse(self) -> Warehouse:
        """The one door to the warehouse."""
        return open_warehouse(
            self.settings.resolved_warehouse_url, self.home, self.settings.writer_lock_timeout_s
        )

    @cached_property
    def state(self) -> StateStore:
        """The operational store, migrated to the newest version."""
        self.home.mkdir(parents=True, exist_ok=True)
        return open_state(self.settings.resolved_state_url)

    def inside(self, session: Session) -> "Deployment":
        """The same deployment with all that opens its warehouse inside one open transaction."""
        inner = Deployment(self.settings)
        inner.__dict__ |= {
            "warehouse": PinnedWarehouse(session, self.warehouse),
            "state": self.state,
        }
        return inner

    def close(self) -> None:
        """Close the connections that are kept open between uses; the next use opens them again."""
        if "state" in self.__dict__:
            self.state.close()

    def source(self, system: str) -> Source:
        """Open a system for reading.

        Raises:
            FatalError: the system's settings are missing.
        """
        return open_source(system, self.settings.connection(system))

    def writer(self, system: str, object_name: str) -> Writer:
        """Open one object of a system for writing."""
        return open_writer(system, object_name, self.settings.connection(system))

    @staticmethod
    def systems() -> tuple[str, ...]:
        """Names of the systems in the catalogue, in the catalogue's order."""
        return tuple(SYSTEMS)
