"""Who may import whom. A failure names the line and says what to do instead."""

from graphlib import CycleError, TopologicalSorter

import pytest

from tests.architecture.source_tree import Import, Module, modules, resolve, within

ROOT = "orchestration_assets"
STEPS = (
    "landing", "identity", "transform", "activation", "alerting", "governance", "evidence", "events",
)  # fmt: skip
DOORS = ("warehouse", "state")
TOP = (
    "stages", "deployment", "defs", "commands", "doctor", "cli", "definitions", "conditions", "freshness",
)  # fmt: skip
# Packages that may use Dagster; all else returns plain values.
KNOW_DAGSTER = ("defs", "conditions", "definitions", "freshness", "cli", "commands")
HEAVY = ("great_expectations", "dbt", "dlt", "pandas", "splink")


def ours(*names: str) -> tuple[str, ...]:
    return tuple(f"{ROOT}.{name}" for name in names)


def rules() -> list[tuple[str, tuple[str, ...], str]]:
    """(package, what it must not import, what to do instead)."""
    table = [
        (f"{ROOT}.model", (ROOT,), "model.py imports nothing of ours: move the thing elsewhere."),
        (f"{ROOT}.errors", (ROOT,), "errors.py imports nothing of ours."),
        (
            f"{ROOT}.connectors",
            ours(*STEPS, *DOORS, *TOP, "settings", "logs"),
            "connectors know the vendor's JSON and nothing else: take plain values.",
        ),
        (
            f"{ROOT}.connectors",
            ("sandbox",),
            "the sandbox stands in for vendors: talk HTTP to it.",
        ),
        ("sandbox", (ROOT, "quality", "dagster"), "the sandbox knows nothing of its callers."),
        ("quality", (ROOT, "sandbox", "dagster"), "quality/ stands alone: take plain values."),
        (ROOT, ("tests", "benchmarks"), "the package knows nothing of what measures it."),
        (
            f"{ROOT}.stages",
            ours("defs", "commands", "cli", "definitions", "conditions", "freshness"),
            "stages are called by defs/ and the command line, not the other way round.",
        ),
    ]
    table += [
        (
            f"{ROOT}.{door}",
            ours(*STEPS, *TOP, "connectors", "settings", *(set(DOORS) - {door})),
            "the doors know no tenant: take plain values.",
        )
        for door in DOORS
    ]
    table += [
        (
            f"{ROOT}.{step}",
            ours(*TOP, *(other for other in STEPS if other != step)),
            "steps meet in stages/ only: take plain values, or move what is shared to model.py.",
        )
        for step in STEPS
    ]
    return table


def breaches(module: Module, banned: tuple[str, ...]) -> list[Import]:
    return [one for one in module.imports if any(within(one.target, name) for name in banned)]


@pytest.mark.parametrize(("package", "banned", "advice"), rules())
def test_layers_import_downwards_only(package: str, banned: tuple[str, ...], advice: str):
    found = [
        f"{module.where}:{one.line} imports {one.target}: {advice}"
        for module in modules().values()
        if within(module.name, package)
        for one in breaches(module, banned)
    ]
    assert not found, "\n".join(found)


def test_only_the_thin_layer_knows_dagster():
    allowed = ours(*KNOW_DAGSTER)
    found = [
        f"{module.where}:{one.line} imports {one.target}: return plain values and let defs/ wrap them"
        for module in modules().values()
        if not any(within(module.name, name) for name in allowed)
        and not within(module.name, "benchmarks")
        for one in breaches(module, ("dagster", "dagster_webserver", "dagster_postgres"))
    ]
    assert not found, "\n".join(found)


def test_siblings_of_defs_meet_through_asset_keys():
    defs = f"{ROOT}.defs"
    found = []
    for module in modules().values():
        if not within(module.name, defs):
            continue
        for one in breaches(module, (defs,)):
            here, there = (name.split(".")[2:3] for name in (module.name, one.target))
            # A folder's own modules belong together; the resource is declared once, for all.
            if there in (here, ["resources"]):
                continue
            found.append(
                f"{module.where}:{one.line} imports {one.target}: name the asset key instead, or move"
                " what is shared to stages/"
            )
    assert not found, "\n".join(found)


def test_heavy_libraries_are_imported_where_they_are_used():
    found = [
        f"{module.where}:{one.line} imports {one.target} at load: move it into the function using it"
        for module in modules().values()
        for one in breaches(module, HEAVY)
        if one.at_load
    ]
    assert not found, "\n".join(found)


def test_no_module_imports_itself_through_others():
    graph = {
        module.name: {
            target
            for one in module.imports
            if one.at_load and (target := resolve(one.target)) and target != module.name
        }
        for module in modules().values()
    }
    assert_no_cycle(graph)


def test_no_package_imports_itself_through_others():
    """Late imports count here: packages stand in one order."""
    graph: dict[str, set[str]] = {}
    for module in modules().values():
        here = layer(module.name)
        targets = {resolve(one.target) for one in module.imports}
        graph.setdefault(here, set()).update(
            there for target in targets if target and (there := layer(target)) != here
        )
    assert_no_cycle(graph)


def layer(name: str) -> str:
    parts = name.split(".")
    return ".".join(parts[:2] if parts[0] == ROOT else parts[:1])


def assert_no_cycle(graph: dict[str, set[str]]) -> None:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(
            f"{' <- '.join(error.args[1])}: move what both need to a module below them",
            pytrace=False,
        )
