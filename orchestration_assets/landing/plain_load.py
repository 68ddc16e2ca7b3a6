"""Writing a few rows in the caller's own transaction, without the seconds that dlt takes to start.

The rows and the note of their load commit together, so that no crash can leave one without the
other and nothing is to be put right afterwards.
"""

import time

import pyarrow as pa

from orchestration_assets.landing.contract import LOAD_ID, raw_schema
from orchestration_assets.model import Stream
from orchestration_assets.warehouse.engine import Warehouse


class PlainLoader:
    """Appends chunks to a stream's raw table, as `Loader` does, inside an open transaction.

    Args:
        stream: whose raw table there is.
        warehouse: with the transaction open.
    """

    def __init__(self, stream: Stream, warehouse: Warehouse) -> None:
        self._stream = stream
        self._warehouse = warehouse

    def load(self, rows: pa.Table) -> str:
        """Append the rows; return the load's id, seconds since 1970 as dlt's are."""
        load_id = f"{time.time():.7f}"
        ids = pa.array([load_id] * rows.num_rows, pa.string())
        with self._warehouse.writer(f"load {self._stream.key}") as session:
            session.append(
                raw_schema(self._stream), self._stream.name, rows.append_column(LOAD_ID, ids)
            )
        return load_id
