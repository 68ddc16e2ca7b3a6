"""`accord governance`: the matrix of who answers for what, and its exit code."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestration_assets.cli import app


def run(*arguments: str):
    return CliRunner().invoke(app, ["governance", *arguments])


def test_the_matrix_names_the_accountable_team_of_every_subject():
    result = run("raci", "--json")
    report = json.loads(result.stdout)
    assert (result.exit_code, report["problems"]) == (0, [])
    assert report["teams"]["crm"]["slack"] == "#crm"
    of = {(row["kind"], row["name"]): row for row in report["matrix"]}
    assert of["connectors", "shopify"]["accountable"] == ["commerce"]
    assert all(len(row["accountable"]) == 1 for row in report["matrix"])


def test_the_table_shows_every_name_in_full():
    result = run("raci")
    assert result.exit_code == 0
    assert "accountable" in result.stdout
    assert "jrn_lapsed_winback_email" in result.stdout


def test_a_problem_is_printed_and_sets_the_exit_code(
    tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
):
    text = (repository / "config" / "raci.yml").read_text()
    gone = "\n  aud_gone:\n    responsible: [crm]\n    accountable: crm\n"
    (tmp_path / "raci.yml").write_text(text.replace("\naudiences:", f"\naudiences:{gone}"))
    monkeypatch.setenv("ACCORD_CONFIG_DIR", str(tmp_path))
    result = run("raci")
    assert result.exit_code == 1
    assert "take audiences.aud_gone out of config/raci.yml" in result.stderr
