"""The same rules as dbt tests and as a soda contract."""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from benchmarks._gate_rules import TABLE, checks

_TEST = """
{% test holds(model, counts) %}
select * from (select {{ counts }} as broken from {{ model }}) where broken > 0
{% endtest %}
"""
_DBT = """
import json, sys, time
from dbt.cli.main import dbtRunner
def test():
    began = time.perf_counter()
    folders = ["--project-dir", sys.argv[1], "--profiles-dir", sys.argv[1]]
    result = dbtRunner().invoke(["test", *folders, "--quiet", "--no-send-anonymous-usage-stats"])
    passed = [one.status == "pass" for one in result.result.results]
    return time.perf_counter() - began, len(passed), all(passed)
test()
print(json.dumps(test()))
"""


_OWN = {"ExpectColumnValuesToNotBeNull": "missing", "ExpectColumnValuesToBeUnique": "duplicate"}


def measure(database: Path, folder: Path) -> dict[str, float]:
    """Seconds of a warm run over the table in the file, by name."""
    folder.mkdir()
    copy = folder / database.name
    shutil.copy(database, copy)
    return {"dbt_tests_1m": _dbt(copy, folder / "dbt"), "soda_1m": _soda(copy, folder)}


def _dbt(database: Path, folder: Path) -> float:
    (folder / "models").mkdir(parents=True)
    (folder / "macros").mkdir()
    (folder / "macros" / "holds.sql").write_text(_TEST)
    (folder / "dbt_project.yml").write_text("name: peer\nversion: 1.0.0\nprofile: peer\n")
    output = {"type": "duckdb", "path": str(database), "threads": 2}
    profiles = {"peer": {"target": "dev", "outputs": {"dev": output}}}
    (folder / "profiles.yml").write_text(yaml.safe_dump(profiles))
    tests = [
        {"holds": {"name": f"rule_{number}", "arguments": {"counts": check.counts}}}
        for number, check in enumerate(checks())
    ]
    table = {"name": TABLE, "data_tests": tests}
    sources = {"sources": [{"name": "core", "schema": "core", "tables": [table]}]}
    (folder / "models" / "sources.yml").write_text(yaml.safe_dump(sources))
    done = subprocess.run(
        [sys.executable, "-c", _DBT, str(folder)], capture_output=True, text=True, check=True
    )
    seconds, count, passed = json.loads(done.stdout.strip().splitlines()[-1])
    if count != len(checks()) or not passed:
        raise RuntimeError(f"dbt ran {count} tests of {len(checks())}; all passed: {passed}")
    return round(seconds, 3)


def _soda(database: Path, folder: Path) -> float:
    # heavy: takes a second to import
    from soda_core.contracts import verify_contract_locally

    source, contract = folder / "source.yml", folder / "contract.yml"
    connection = {"database": str(database), "read_only": True}
    source.write_text(yaml.safe_dump({"type": "duckdb", "name": "peer", "connection": connection}))
    contract.write_text(yaml.safe_dump(_contract(database.stem)))
    began = time.perf_counter()
    result = verify_contract_locally(
        data_source_file_path=str(source), contract_file_path=str(contract), publish=False
    )
    seconds = time.perf_counter() - began
    if result.number_of_checks_passed != len(checks()):
        raise RuntimeError(
            f"soda passed {result.number_of_checks_passed} checks of {len(checks())}"
        )
    return round(seconds, 3)


def _contract(database: str) -> dict[str, Any]:
    """Soda's own checks where it has the rule as such, its metric queries for the others."""
    columns: dict[str, list[Any]] = {}
    metrics = []
    for number, check in enumerate(checks()):
        own = _OWN.get(check.rule.expectation)
        if own:
            columns.setdefault(check.rule.column, []).append({own: None})
            continue
        query = f"select {check.counts} from core.{TABLE}"
        threshold = {"must_be": 0}
        metrics.append(
            {"metric": {"qualifier": f"r{number}", "query": query, "threshold": threshold}}
        )
    return {
        "dataset": f"peer/{database}/core/{TABLE}",
        "columns": [{"name": name, "checks": found} for name, found in columns.items()],
        "checks": metrics,
    }
