"""The benchmark of the model, at a size that shows its form and its correctness, not its speed."""

from pathlib import Path

import duckdb
import pytest

from benchmarks import model
from benchmarks._model_sql import Statement, core_checksums, run_statements

pytestmark = pytest.mark.long(minutes=2)


def test_it_builds_the_same_core_as_plain_sql_and_says_so_in_one_form():
    found = model.run(rows=300, rounds=2)
    assert list(found) == ["bench", "workload", "correct", "figures", "ratios"]
    assert found["correct"] is True
    assert found["workload"]["customers"] == 300
    assert found["workload"]["records_in_scope"]["shopify.customers"] == 3
    assert found["workload"]["records_in_scope"]["customers"] == 3
    assert set(found["ratios"]) == {"build_vs_sql", "incremental_vs_full"}
    for name in ("full", "sql", "nothing", "one_percent"):
        assert len(found["figures"][f"{name}_seconds"]) == 2


def test_it_sees_a_core_that_differs(monkeypatch: pytest.MonkeyPatch):
    def with_one_order_less(path: Path, statements: list[Statement]) -> None:
        cut = Statement("cut", "core", "delete from core.fct_orders where order_id like '%5'")
        run_statements(path, [*statements, cut])

    monkeypatch.setattr(model, "run_statements", with_one_order_less)
    assert model.run(rows=300, rounds=1)["correct"] is False


def test_a_checksum_tells_values_from_each_other_and_not_the_order_of_rows(tmp_path: Path):
    found = []
    for number, rows in enumerate(("(1, 2), (3, 4)", "(3, 4), (1, 2)", "(1, 2), (3, 5)")):
        path = tmp_path / f"{number}.duckdb"
        with duckdb.connect(str(path)) as connection:
            connection.execute("create schema core")
            connection.execute(
                f"create table core.dim as select * from (values {rows}) as t (a, b)"
            )
        found.append(core_checksums(path)["dim"])
    assert found[0] == found[1] != found[2]
