"""The whole path with PostgreSQL as warehouse and as operational store."""

from pathlib import Path

import pytest

from sandbox.client import start_sandbox
from tests.support.deployed import Deployed

pytestmark = pytest.mark.long(minutes=2)


def test_the_path_runs_on_postgres_and_sends_nothing_twice(
    tmp_path: Path, postgres_url: str
) -> None:
    stores = {"ACCORD_WAREHOUSE_URL": postgres_url, "ACCORD_STATE_URL": postgres_url}
    with start_sandbox(tmp_path, customers=200, seed=3, tier="unlimited") as sandbox:
        deployed = Deployed(tmp_path, sandbox)
        first = deployed.run(**stores)
        assert first["failed_steps"] == []
        assert first["gates"]["failed"] == 0
        assert first["identity"]["precision"] >= 0.99
        sent = deployed.rows_sent()
        for system in ("hubspot", "klaviyo"):
            assert first["sent"][system]["confirmed"] == sent[system] > 0
        second = deployed.run(**stores)
        assert second["failed_steps"] == []
        assert deployed.rows_sent() == sent
    assert not (tmp_path / "warehouse.duckdb").exists()
    assert not (tmp_path / "state.sqlite").exists()
