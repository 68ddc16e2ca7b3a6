"""`accord identity evaluate`: figures of a labelled sample, one JSON object or three lines."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestration_assets.cli import app
from orchestration_assets.errors import FatalError


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    contents = {
        "left.csv": "nr,name,mail\n1,Ann,ann@x.org\n2,Paul,paul@x.org\n",
        "right.csv": "nr,name,mail\na,Ann,ANN@x.org\nb,Zoe,zoe@x.org\n",
        "truth.csv": "left,right\n1,a\n2,b\n",
        "map.yml": "id: nr\ncolumns: {first_name: name, email: mail}\n",
    }
    for name, text in contents.items():
        (tmp_path / name).write_text(text)
    return [
        f"--{option}={tmp_path / name}"
        for option, name in zip(("left", "right", "truth", "map"), contents, strict=True)
    ]


def test_it_prints_one_json_object(files: list[str]) -> None:
    done = CliRunner().invoke(app, ["identity", "evaluate", *files, "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["precision"], found["recall"]) == (1.0, 0.5)
    assert set(found) == {
        "precision",
        "recall",
        "f1",
        "true_pairs",
        "found_pairs",
        "correct_pairs",
        "pairs_to_review",
        "records",
        "seconds",
        "peak_memory_mib",
        "weights_version",
        "weights_from",
    }


def test_it_tells_a_person_the_same(files: list[str]) -> None:
    done = CliRunner().invoke(app, ["identity", "evaluate", *files])
    assert done.exit_code == 0, done.output
    assert "precision 1.0000, recall 0.5000, F1 0.6667" in done.stdout
    assert "2 true pairs, 1 found, 1 of them true" in done.stdout


def test_one_file_is_enough(files: list[str], tmp_path: Path) -> None:
    (tmp_path / "truth.csv").write_text("a,b\n1,2\n")
    done = CliRunner().invoke(app, ["identity", "evaluate", files[0], *files[2:], "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["true_pairs"] == 1


def test_an_error_names_the_next_step_and_nobody(files: list[str], tmp_path: Path) -> None:
    (tmp_path / "truth.csv").write_text("left,right\nann@x.org,a\n")
    done = CliRunner().invoke(app, ["identity", "evaluate", *files])
    assert isinstance(done.exception, FatalError)
    command = [sys.executable, "-c", "from orchestration_assets.cli import main; main()"]
    told = subprocess.run(
        [*command, "identity", "evaluate", *files], capture_output=True, text=True, check=False
    )
    assert told.returncode == 1
    assert "Next step:" in told.stderr
    assert "ann@x.org" not in told.stderr + told.stdout


def test_the_memory_of_the_program_that_started_it_does_not_count(files: list[str]) -> None:
    held = bytearray(600 * 2**20)
    command = [sys.executable, "-c", "from orchestration_assets.cli import main; main()"]
    told = subprocess.run(
        [*command, "identity", "evaluate", *files, "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert 20 < json.loads(told.stdout)["peak_memory_mib"] < len(held) / 2**20
