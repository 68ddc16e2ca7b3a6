"""The command line: quick to answer, errors as a message and a next step."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration_assets import cli
from orchestration_assets.errors import FatalError

SLOW = ("dagster", "dbt", "dlt", "great_expectations", "pandas", "duckdb", "pyarrow", "sqlalchemy")


def accord(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from orchestration_assets.cli import main; main()", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_help_names_the_commands_and_loads_nothing_slow():
    script = (
        "import sys\nfrom orchestration_assets.cli import app\n"
        "try: app(['--help'])\nexcept SystemExit: pass\n"
        f"print([name for name in {SLOW!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
    for command in ("demo", "run", "ui", "doctor", "bench", "sandbox"):
        assert command in done.stdout


def test_the_version_is_the_package_version():
    done = accord("--version")
    assert (done.returncode, done.stdout.strip()) == (0, "accord 0.1.0")


def test_an_error_of_ours_is_a_message_and_a_next_step():
    done = accord("bench", "no-such-thing", "--json")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "There is no benchmark 'no_such_thing'." in done.stderr
    assert "Next step:" in done.stderr
    assert "Traceback" not in done.stderr


def test_debug_shows_where_an_error_arose(monkeypatch: pytest.MonkeyPatch):
    def boom() -> None:
        raise FatalError("It broke.", "mend it.")

    monkeypatch.setattr(cli, "app", lambda obj: (setattr(obj, "debug", True), boom()))
    with pytest.raises(FatalError, match="It broke"):
        cli.main()


def test_a_benchmark_prints_one_json_object_whatever_else_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    package = tmp_path / "benchmarks"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "noisy_one.py").write_text(
        "import subprocess, sys\n"
        "def run(rows=10):\n"
        "    print('chatter')\n"
        "    subprocess.run([sys.executable, '-c', 'print(1)'], check=True)\n"
        "    return {'rows': rows}\n"
    )
    monkeypatch.chdir(tmp_path)
    done = accord("bench", "noisy-one", "--rows", "3", "--json", PYTHONPATH=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"rows": 3}
    assert "chatter" in done.stderr
