"""`accord gates docs` makes the pages and says where they are."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestration_assets import cli
from orchestration_assets.deployment import Deployment
from orchestration_assets.errors import FatalError
from orchestration_assets.stages.gate_docs import keep_findings
from quality.catalog import CORE_SUITES
from quality.rules import SuiteResult


def test_it_says_where_the_pages_are_and_which_gates_fail():
    suite = CORE_SUITES[0].name
    keep_findings(Deployment(), [SuiteResult(suite, False, 0, 1, None, error="why")], "run-1")
    ended = CliRunner().invoke(cli.app, ["gates", "docs", "--json"], obj=cli.Options())
    assert ended.exit_code == 0, ended.output
    said = json.loads(ended.stdout)
    assert Path(said["page"]).read_text()
    assert said["failing"] == [suite]
    assert said["link"].endswith("/gates/index.html")


def test_before_the_first_judgement_it_says_what_to_do():
    with pytest.raises(FatalError, match="accord run"):
        CliRunner().invoke(cli.app, ["gates", "docs"], obj=cli.Options(), catch_exceptions=False)
