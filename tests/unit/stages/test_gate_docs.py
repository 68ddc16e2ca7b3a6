"""What the gates found is kept in passing, and becomes pages apart from them."""

import os
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from orchestration_assets.deployment import Deployment
from orchestration_assets.errors import FatalError
from orchestration_assets.stages import gate_docs
from orchestration_assets.stages.gate_docs import (
    LONGEST_WAIT_S,
    docs_due,
    gate_link,
    keep_findings,
    write_gate_docs,
)
from quality.catalog import CORE_SUITES
from quality.rules import HeldRow, SuiteResult

SUITE = CORE_SUITES[0].name


def _result(*, passed: bool = True, held: int = 0, rows: int = 10) -> SuiteResult:
    found = {
        "rule": "every row has an id",
        "severity": "blocking",
        "over": "all rows",
        "type": "expect_column_values_to_not_be_null",
        "kwargs": {"column": "id"},
        "success": passed,
        "raised": False,
        "result": {"element_count": rows, "unexpected_count": 0, "unexpected_percent": 0.0},
        "references": (),
    }
    return SuiteResult(
        suite=SUITE,
        passed=passed,
        evaluated=1,
        expected=1,
        rows=rows,
        held=tuple(HeldRow(str(n), f"shopify:{n}", "", "a rule") for n in range(held)),
        findings=(found,),
    )


@pytest.fixture
def deployment() -> Deployment:
    return Deployment()


def test_without_any_judgement_nothing_is_due_and_one_is_told_what_to_do(deployment: Deployment):
    assert docs_due(deployment.settings) is None
    with pytest.raises(FatalError, match="accord run"):
        write_gate_docs(deployment)


def test_the_newest_finding_of_a_suite_becomes_its_page(deployment: Deployment):
    keep_findings(deployment, [_result(rows=1)], "run-1")
    keep_findings(deployment, [_result(rows=54321)], "run-2")
    assert docs_due(deployment.settings)
    written = write_gate_docs(deployment)
    assert (written.suites, written.failing) == (1, ())
    text = (written.folder / f"{SUITE}.html").read_text()
    assert "54321" in text
    assert "run-2" in text
    assert docs_due(deployment.settings) is None
    assert gate_link(deployment.settings, SUITE).endswith(f"/gates/{SUITE}.html")


@pytest.mark.parametrize("turned", [_result(passed=False), _result(held=3)])
def test_pages_are_due_at_once_when_a_verdict_or_what_is_held_turned(
    deployment: Deployment, turned: SuiteResult
):
    keep_findings(deployment, [_result()], "run-1")
    write_gate_docs(deployment)
    keep_findings(deployment, [turned], "run-2")
    assert docs_due(deployment.settings)


def test_the_same_verdict_once_more_waits_some_minutes(deployment: Deployment):
    keep_findings(deployment, [_result()], "run-1")
    stamp = write_gate_docs(deployment).folder / "built.json"
    keep_findings(deployment, [_result(rows=11)], "run-2")
    assert docs_due(deployment.settings) is None
    old = stamp.stat().st_mtime - LONGEST_WAIT_S - 1
    os.utime(stamp, (old, old))
    assert docs_due(deployment.settings)


def test_a_folder_that_cannot_be_written_fails_no_gate(
    deployment: Deployment, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
):
    (deployment.home / "gates").write_text("in the way")
    keep_findings(deployment, [_result()], "run-1")
    out, err = capfd.readouterr()
    assert "gate_findings_not_kept" in f"{out}{err}{caplog.text}"


def test_a_crash_while_writing_leaves_the_finding_before(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
):
    keep_findings(deployment, [_result(rows=7)], "run-1")

    def _torn(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[:10])
        raise OSError("no space left")

    monkeypatch.setattr(Path, "write_bytes", _torn)
    keep_findings(deployment, [_result(rows=8)], "run-2")
    monkeypatch.undo()
    (kept,) = (deployment.home / "gates").glob("*.json")
    assert [one["rows"] for one in orjson.loads(kept.read_bytes())] == [7]
    # The next gate clears away what the crash left.
    keep_findings(deployment, [_result(rows=9)], "run-3")
    (kept,) = (deployment.home / "gates").iterdir()
    assert [one["rows"] for one in orjson.loads(kept.read_bytes())] == [9]


def test_a_file_that_a_loss_of_power_cut_short_hinders_nothing(deployment: Deployment):
    keep_findings(deployment, [_result(rows=7)], "run-1")
    site = write_gate_docs(deployment).folder
    (deployment.home / "gates" / "0123abcd-20260101.json").write_bytes(b"")
    (site / "built.json").write_bytes(b"")
    assert docs_due(deployment.settings)
    assert write_gate_docs(deployment).suites == 1


def test_the_newest_finding_counts_whichever_suites_were_judged_with_it(deployment: Deployment):
    others = [replace(_result(), suite=suite.name) for suite in CORE_SUITES[1:]]
    keep_findings(deployment, [_result(rows=54321), *others], "run-1")
    keep_findings(deployment, [_result(rows=65432)], "run-2")
    gone = replace(_result(passed=False), suite="a_suite_that_is_no_more")
    keep_findings(deployment, [gone], "run-3")
    written = write_gate_docs(deployment)
    assert (written.suites, written.failing) == (len(CORE_SUITES), ())
    text = (written.folder / f"{SUITE}.html").read_text()
    assert "65432" in text
    assert "54321" not in text


def test_pages_that_cannot_be_made_leave_those_before_in_place(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
):
    keep_findings(deployment, [_result(rows=77)], "run-1")
    site = write_gate_docs(deployment).folder

    def _killed(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(gate_docs, "write_pages", _killed)
    with pytest.raises(RuntimeError):
        write_gate_docs(deployment)
    monkeypatch.undo()
    assert "77" in (site / f"{SUITE}.html").read_text()
    write_gate_docs(deployment)
    assert [path.name for path in site.parent.glob(".gates-*")] == []
