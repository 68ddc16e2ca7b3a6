"""The benchmark of the gates, at a size that shows its form and its correctness, not its speed."""

import pytest

from benchmarks import gates
from orchestration_assets.warehouse import changed_rows


@pytest.fixture(autouse=True)
def _no_table_is_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few rows are judged by change here as many are in the figure."""
    monkeypatch.setattr(changed_rows, "FEW_ROWS", 0)


def test_it_judges_fifty_rules_as_one_statement_does_and_says_so_in_one_form():
    found = gates.run(rows=2_000, rounds=1, large=2)
    assert list(found) == ["bench", "workload", "correct", "figures", "ratios"]
    assert found["correct"] is True
    assert found["workload"]["expectations"] == 50
    assert found["workload"]["free_sql"] * 5 <= 50
    assert set(found["ratios"]) == {"vs_one_scan_1m", "vs_one_scan_10m", "change_vs_full"}
    assert found["figures"]["dbt_tests_1m_seconds"] > 0
    assert found["figures"]["soda_1m_seconds"] > 0


def test_it_sees_a_gate_that_counts_otherwise(monkeypatch: pytest.MonkeyPatch):
    statement = gates.one_statement()
    wrong = statement.replace("quantity < 0", "quantity < 2")
    assert wrong != statement
    monkeypatch.setattr(gates, "one_statement", lambda: wrong)
    monkeypatch.setattr(gates._gate_peers, "measure", lambda *_: {})
    assert gates.run(rows=2_000, rounds=1, large=1)["correct"] is False
