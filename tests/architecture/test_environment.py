"""One reader of the environment, and no library that reports its use."""

import ast
import re
from pathlib import Path

import yaml

from orchestration_assets.settings import TELEMETRY_OFF
from tests.architecture.source_tree import modules, within


def test_only_settings_reads_the_environment():
    found = []
    for module in modules().values():
        if module.name == "orchestration_assets.settings":
            continue
        if within(module.name, "sandbox") or within(module.name, "benchmarks"):
            continue
        written = _written(module.tree)
        found += [
            f"{module.where}:{node.lineno}: add a setting to settings.py and hand its value in"
            for node in ast.walk(module.tree)
            if _reads(node) and id(node) not in written
        ]
    assert not found, "\n".join(found)


def _reads(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.module == "os" and any(a.name in {"environ", "getenv"} for a in node.names)
    return (
        isinstance(node, ast.Attribute)
        and node.attr in {"environ", "getenv", "environb"}
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
    )


def _written(tree: ast.AST) -> set[int]:
    """`os.environ[...] = x` and `os.environ.setdefault(...)` tell a library something: no reading."""
    found = set()
    for node in ast.walk(tree):
        is_item = isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store)
        is_call = isinstance(node, ast.Attribute) and node.attr in {"setdefault", "update"}
        if is_item or is_call:
            found.add(id(node.value))
    return found


def test_dagster_reports_nothing(repository: Path):
    instance = yaml.safe_load((repository / "dagster.yaml").read_text())
    assert instance["telemetry"]["enabled"] is False


def test_dbt_reports_nothing(repository: Path):
    project = yaml.safe_load((repository / "dbt_project" / "dbt_project.yml").read_text())
    assert project["flags"]["send_anonymous_usage_stats"] is False, (
        "set flags.send_anonymous_usage_stats: false in dbt_project.yml"
    )


def test_make_switches_off_what_the_settings_switch_off(repository: Path):
    text = (repository / "Makefile").read_text()
    for name, value in TELEMETRY_OFF.items():
        assert re.search(rf"\b{name}={value}\b", text), f"add {name}={value} to NO_TELEMETRY"
