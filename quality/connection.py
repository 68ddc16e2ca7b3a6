"""The one connection of a run of gates: Great Expectations over DuckDB or PostgreSQL, read only."""

import gc
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def open_datasource(connection_url: str) -> Iterator[Any]:
    """The one data source of an ephemeral context; its engines are disposed of afterwards.

    Args:
        connection_url: `duckdb:///FILE` or `postgresql://...`.
    """
    context = make_context()
    # heavy: takes seconds to import
    from sqlalchemy.pool import StaticPool

    from quality import duckdb_dialect

    if not gc.get_freeze_count():
        # The engines have to be collected after each run: what the libraries loaded, a hundred
        # times as much, is not gone through again.
        gc.collect()
        gc.freeze()
    embedded = connection_url.startswith("duckdb")
    options: dict[str, Any] = {"poolclass": StaticPool}
    if embedded:
        duckdb_dialect.register()
        options["connect_args"] = {"read_only": True}
    sources: Any = context.data_sources
    datasource = (sources.add_sql if embedded else sources.add_postgres)(
        "warehouse",
        connection_string=_driver_url(connection_url, duckdb_dialect.DRIVER),
        create_temp_table=False,
        kwargs=options,
    )
    engine = datasource.get_execution_engine()
    if embedded:
        speak_postgres(datasource)
    try:
        yield datasource
    finally:
        engine.close()
        datasource.get_engine().dispose()
        context.data_sources.delete("warehouse")
        del engine, datasource
        gc.collect()


def make_context() -> Any:
    """A context that keeps nothing, draws nothing and reports to nobody."""
    be_quiet()
    # heavy: takes seconds to import
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    return context


def speak_postgres(datasource: Any) -> None:
    """Let a data source over DuckDB use PostgreSQL's operators for patterns, which it knows."""
    import sqlalchemy.dialects.postgresql

    datasource.get_execution_engine().dialect_module = sqlalchemy.dialects.postgresql


def be_quiet() -> None:
    """Keep Great Expectations from reporting its use and from writing two hundred lines.

    Call it before the import, which is when it writes them.
    """
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    for name in ("great_expectations", "great_expectations.expectations"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _driver_url(url: str, embedded_driver: str) -> str:
    scheme, separator, rest = url.partition("://")
    if scheme.startswith("duckdb"):
        return f"{embedded_driver}{separator}{rest}"
    return f"postgresql+psycopg{separator}{rest}" if scheme == "postgresql" else url
