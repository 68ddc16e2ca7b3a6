"""Checks of the machine and the installation."""

from importlib.metadata import version
from pathlib import Path

import pytest

from orchestration_assets.doctor import machine
from orchestration_assets.doctor.finding import Level
from orchestration_assets.settings import Settings, turn_telemetry_off


def test_installed_packages_are_the_locked_ones():
    (finding,) = machine.packages()
    assert finding.level is not Level.FAIL, finding.detail


def test_another_version_of_a_pinned_library_fails(tmp_path: Path):
    lock = tmp_path / "requirements.lock"
    lock.write_text("# made by hand\nduckdb==0.0.1\n")
    (finding,) = machine.packages(lock)
    assert finding.level is Level.FAIL
    assert f"duckdb {version('duckdb')} (locked 0.0.1)" in finding.detail
    assert finding.advice == "run make setup."


def test_another_version_of_a_library_beneath_warns(tmp_path: Path):
    lock = tmp_path / "requirements.lock"
    lock.write_text("idna==0.0.1\n")
    (finding,) = machine.packages(lock)
    assert finding.level is Level.WARN


def test_the_lock_is_read_for_this_system_only(tmp_path: Path):
    lock = tmp_path / "requirements.lock"
    lock.write_text("a_B==1 ; sys_platform == 'nowhere'\nC.d[x]==2.0 ; python_version >= '3'\n")
    assert machine.read_lock(lock) == {"c-d": "2.0"}


def test_a_home_below_a_file_cannot_be_written(tmp_path: Path):
    (tmp_path / "file").write_text("")
    finding = machine.home(Settings(home=tmp_path / "file" / "home"))
    assert finding.level is Level.FAIL
    assert "ACCORD_HOME" in finding.advice


def test_a_home_that_is_not_there_yet_is_fine(tmp_path: Path):
    finding = machine.home(Settings(home=tmp_path / "new" / "home"))
    assert finding.level is not Level.FAIL
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("ahead", "level"), [(0.4, Level.OK), (-30.0, Level.WARN), (4000.0, Level.FAIL)]
)
def test_the_clock_is_compared_with_the_systems(ahead: float, level: Level):
    finding = machine.clock({"near": 0.1, "far": ahead})
    assert finding.level is level


def test_telemetry_is_off_once_switched_off(monkeypatch: pytest.MonkeyPatch):
    for name in machine.TELEMETRY_OFF:
        monkeypatch.setenv(name, "")
    assert machine.telemetry().level is Level.WARN
    turn_telemetry_off()
    assert machine.telemetry().level is Level.OK


def test_the_dagster_home_holds_its_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    assert machine.dagster_home(Settings()).level is Level.WARN
    (tmp_path / "dagster.yaml").write_text("telemetry:\n  enabled: true\n")
    assert machine.dagster_home(Settings()).level is Level.WARN
    (tmp_path / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    assert machine.dagster_home(Settings()).level is Level.OK
