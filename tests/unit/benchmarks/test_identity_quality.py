"""The benchmark of identity's accuracy, at a size that shows its form and what it compares."""

import pytest

from benchmarks import _identity_febrl, identity_quality


def test_it_measures_both_matchers_and_the_world_in_one_form():
    found = identity_quality.run(rows=400, febrl_records=500)
    assert list(found) == ["bench", "workload", "correct", "figures", "ratios"]
    assert found["workload"]["febrl4_records"] == 1000
    assert found["workload"]["world_customers"] == 400
    assert found["workload"]["world_seed"] != found["workload"]["weights_trained_on_seed"]
    figures = found["figures"]
    for name in ("febrl4_f1", "febrl4_f1_without_ssn", "febrl4_f1_splink"):
        assert 0.95 < figures[name] <= 1
    assert figures["febrl4_f1_splink_without_ssn"] > 0.9
    assert figures["world_precision"] > 0.95
    assert 0.9 < figures["world_recall"] < 1


def test_no_matcher_is_given_what_tells_who_is_who(tmp_path):
    sample = _identity_febrl.load(300)
    left, right, truth, _ = _identity_febrl.write(sample, tmp_path, with_ssn=False)
    assert len(sample.truth) == 300
    for path in (left, right):
        text = path.read_text()
        assert "rec_id" not in text
        assert "-org" not in text
        assert "-dup" not in text
    # Numbers follow the order of each file, which is no order of the people.
    same = sum(one[1:] == other[1:] for one, other in sample.truth)
    assert same < 10
    assert len(truth.read_text().splitlines()) == 301


def test_it_is_not_correct_when_splink_is_ahead(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(_identity_febrl, "splink_f1", lambda *_, **__: 1.1)
    assert identity_quality.run(rows=300, febrl_records=300)["correct"] is False
