"""`accord doctor`: its exit code and its JSON."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestration_assets.cli import app


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ACCORD_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def run(*arguments: str):
    return CliRunner().invoke(app, ["doctor", *arguments])


def test_a_fresh_clone_has_warnings_and_no_failure(home: Path):
    result = run("--json")
    report = json.loads(result.stdout)
    failed = [check for check in report["checks"] if check["level"] == "fail"]
    assert (result.exit_code, report["ok"], failed) == (0, True, [])
    assert {check["level"] for check in report["checks"]} == {"ok", "warn"}
    assert not home.exists()


def test_every_line_that_is_not_well_says_what_to_do(home: Path):
    for check in json.loads(run("--json").stdout)["checks"]:
        assert bool(check["advice"]) == (check["level"] != "ok"), check


def test_a_failure_sets_the_exit_code(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ACCORD_HUBSPOT_BASE_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("ACCORD_HUBSPOT_TOKEN", "very-secret")
    result = run()
    assert result.exit_code == 1
    assert "ACCORD_HUBSPOT_BASE_URL" in result.stdout
    assert "very-secret" not in result.stdout


def test_an_invalid_raci_file_is_a_failure_that_says_what_to_write(
    home: Path, tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
):
    text = (repository / "config" / "raci.yml").read_text()
    broken = text.replace("    accountable: commerce\n", "", 2)
    (tmp_path / "raci.yml").write_text(broken)
    monkeypatch.setenv("ACCORD_CONFIG_DIR", str(tmp_path))
    result = run("--json")
    (check,) = [c for c in json.loads(result.stdout)["checks"] if c["name"] == "raci"]
    assert (result.exit_code, check["level"]) == (1, "fail")
    assert (
        "add `accountable: <team>` under connectors.shopify in config/raci.yml" in check["detail"]
    )
