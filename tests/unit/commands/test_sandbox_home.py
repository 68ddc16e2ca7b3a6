"""Commands with a sandbox keep off a deployment; those without one work on it."""

import os
from pathlib import Path
from unittest import mock

import pytest
import typer
from typer.testing import CliRunner

from orchestration_assets import cli
from orchestration_assets.commands.dagster_runs import prepare_dagster_home
from orchestration_assets.commands.demo import demo
from orchestration_assets.commands.ui import SANDBOX_HOME, home_of_ui
from orchestration_assets.settings import Settings, load_settings, work_on_sandbox

DEPLOYMENT = {
    "ACCORD_WAREHOUSE_URL": "postgresql://accord@db/accord",
    "ACCORD_STATE_URL": "postgresql://accord@db/accord_state",
    "ACCORD_SLACK_WEBHOOK_URL": "https://hooks.invalid/people",
}


def _settings_on_sandbox(home: Path, **variables: str) -> Settings:
    with mock.patch.dict(os.environ):
        work_on_sandbox(home, variables)
        return load_settings()


@pytest.mark.parametrize("where", ["file", "environment"])
def test_a_sandbox_never_reaches_the_stores_and_the_channel_of_a_deployment(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if where == "file":
        lines = "\n".join(f"{name}={value}" for name, value in DEPLOYMENT.items())
        (tmp_path / ".env").write_text(lines)
    else:
        for name, value in DEPLOYMENT.items():
            monkeypatch.setenv(name, value)
    assert load_settings().warehouse_url == DEPLOYMENT["ACCORD_WAREHOUSE_URL"]
    settings = _settings_on_sandbox(tmp_path / "home")
    assert settings.resolved_warehouse_url == f"duckdb:///{tmp_path / 'home' / 'warehouse.duckdb'}"
    assert settings.resolved_state_url == f"sqlite:///{tmp_path / 'home' / 'state.sqlite'}"
    assert settings.slack_webhook_url.get_secret_value() == ""


def test_the_sandbox_s_own_channel_is_used(tmp_path: Path) -> None:
    url = "http://127.0.0.1:1/hook"
    settings = _settings_on_sandbox(tmp_path, ACCORD_SLACK_WEBHOOK_URL=url)
    assert settings.slack_webhook_url.get_secret_value() == url


def test_the_ui_without_a_sandbox_serves_the_deployment_s_own_home(tmp_path: Path) -> None:
    assert home_of_ui(None, with_sandbox=False) == load_settings().root
    assert home_of_ui(None, with_sandbox=True) == SANDBOX_HOME.resolve()
    for with_sandbox in (True, False):
        assert home_of_ui(tmp_path, with_sandbox=with_sandbox) == tmp_path


def test_every_start_brings_the_instance_settings_up_to_date(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "")
    copied = tmp_path / "dagster" / "dagster.yaml"
    copied.parent.mkdir()
    copied.write_text("telemetry: {enabled: true}\n")
    prepare_dagster_home(tmp_path)
    assert copied.read_text() == (repository / "dagster.yaml").read_text()


def test_the_demo_takes_only_tiers_and_noise_that_the_sandbox_knows(tmp_path: Path) -> None:
    with pytest.raises(typer.BadParameter, match="tight, standard, enterprise, unlimited"):
        demo(tier="platinum", home=tmp_path)
    ended = CliRunner().invoke(cli.app, ["demo", "--noise", "5", "--home", str(tmp_path)])
    assert ended.exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_every_setting_says_what_it_is() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
