"""The real code location: what it holds, that everything in it is described, and that it is light."""

import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from orchestration_assets.definitions import defs

SNAPSHOT = Path(__file__).with_name("code_location.txt")
HEAVY = ("dbt", "great_expectations", "dlt", "pandas", "scipy", "splink")
LOADS_LIGHT = f"""
import sys
from orchestration_assets.definitions import defs
defs().get_repository_def().get_all_jobs()
print(" ".join(name for name in {HEAVY!r} if name in sys.modules))
"""


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    return defs()


@pytest.fixture(scope="module")
def specs(definitions: dg.Definitions) -> list[dg.AssetSpec]:
    return sorted(definitions.resolve_all_asset_specs(), key=lambda spec: spec.key)


def _sections(definitions: dg.Definitions) -> dict[str, list[str]]:
    repository = definitions.get_repository_def()
    graph = repository.asset_graph
    nodes = [graph.get(key) for key in graph.get_all_asset_keys()]
    checks = [graph.get(key) for key in graph.asset_check_keys]
    return {
        "groups": sorted({node.group_name for node in nodes}),
        "assets": sorted(node.key.to_user_string() for node in nodes),
        "blocking checks": sorted(
            f"{check.key.asset_key.to_user_string()}: {check.key.name}"
            for check in checks
            if check.blocking
        ),
        "jobs": sorted(
            job.name for job in repository.get_all_jobs() if not job.name.startswith("__")
        ),
        "sensors": sorted(sensor.name for sensor in repository.sensor_defs),
        "schedules": sorted(
            f"{schedule.name}: {schedule.cron_schedule}" for schedule in repository.schedule_defs
        ),
    }


def test_it_holds_exactly_what_the_list_beside_this_test_says(definitions: dg.Definitions) -> None:
    lines = []
    for title, entries in _sections(definitions).items():
        lines += [f"[{title}]", *entries, ""]
    found = "\n".join(lines)
    listed = SNAPSHOT.read_text(encoding="utf-8")
    missing = sorted(set(listed.splitlines()) - set(lines))
    extra = sorted(set(lines) - set(listed.splitlines()))
    assert found == listed, (
        f"Only in {SNAPSHOT.name}: {missing}. Only in the code location: {extra}. If that is meant,"
        f" let {SNAPSHOT.name} say it."
    )


def test_every_asset_says_what_it_is_and_whose(specs: list[dg.AssetSpec]) -> None:
    lacking = {
        spec.key.to_user_string(): [
            name
            for name, value in (
                ("group", spec.group_name and spec.group_name != "default"),
                ("owner", spec.owners),
                ("kinds", spec.kinds),
                ("description", spec.description),
            )
            if not value
        ]
        for spec in specs
    }
    assert {key: names for key, names in lacking.items() if names} == {}


def test_raw_and_dbt_assets_show_their_columns(specs: list[dg.AssetSpec]) -> None:
    without = [
        spec.key.to_user_string()
        for spec in specs
        if (spec.key.path[0] == "raw" or "dbt" in spec.kinds)
        and not getattr(spec.metadata.get("dagster/column_schema"), "columns", None)
    ]
    assert without == []


def test_every_check_job_sensor_and_schedule_is_described(definitions: dg.Definitions) -> None:
    repository = definitions.get_repository_def()
    graph = repository.asset_graph
    checks = [graph.get(key) for key in graph.asset_check_keys]
    named = [
        *((f"{check.key.asset_key}: {check.key.name}", check.description) for check in checks),
        *((job.name, job.description) for job in repository.get_all_jobs() if job.name[0] != "_"),
        *((sensor.name, sensor.description) for sensor in repository.sensor_defs),
        *((schedule.name, schedule.description) for schedule in repository.schedule_defs),
    ]
    assert [name for name, description in named if not description] == []


def test_every_sensor_and_schedule_runs_without_a_click(definitions: dg.Definitions) -> None:
    repository = definitions.get_repository_def()
    stopped = [
        entry.name
        for entry in [*repository.sensor_defs, *repository.schedule_defs]
        if entry.default_status.value != "RUNNING"
    ]
    assert stopped == []


def test_it_loads_without_the_heavy_libraries(repository: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", LOADS_LIGHT],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split() == []
