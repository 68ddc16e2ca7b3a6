"""The benchmark of the gateway, at a size that shows its form and its correctness, not its speed."""

from collections import Counter

import pytest

from benchmarks import gateway
from benchmarks._gateway_load import Load, body_of


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, postgres_url: str) -> None:
    monkeypatch.setenv("ACCORD_TEST_POSTGRES_URL", postgres_url)
    monkeypatch.setattr(gateway, "RATE", 200.0)


@pytest.mark.postgres
@pytest.mark.usefixtures("small")
def test_it_finds_every_acknowledged_event_once_and_says_so_in_one_form():
    found = gateway.run(rows=150, rounds=1)
    assert list(found) == ["bench", "workload", "correct", "figures", "rounds", "ratios"]
    assert found["correct"] is True
    named = {"sqlite_acks_per_s", "postgres_acks_per_s", "sqlite_p99_ms", "postgres_p99_ms"}
    assert named <= set(found["figures"])
    assert all(value > 0 for value in found["figures"].values())
    assert found["ratios"]["null_vs_sqlite"] > 1


def test_an_event_has_the_size_that_is_said():
    assert {len(body_of(f"fast-{n}", 1_024)) for n in (1, 12_345)} == {1_024}


def test_it_sees_an_event_that_is_missing(tmp_path):
    url = f"sqlite:///{tmp_path / 'inbox.db'}"
    with gateway._gateway(url, tmp_path) as port:
        answers = gateway.send(Load(port, 20, "some", connections=4, copies=2))
    assert Counter(answers)["202"] == 20
    assert answers["202 duplicate"] == 20
    assert gateway._holds(url, {"some": 20})
    assert not gateway._holds(url, {"some": 21})
    assert not gateway._holds(url, {"some": 19})
