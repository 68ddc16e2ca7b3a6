"""The repository's Python modules and who imports whom, read from the source text."""

import ast
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGES = ("orchestration_assets", "quality", "sandbox", "benchmarks")


@dataclass(frozen=True)
class Import:
    """One import: of what, on which line, and whether it runs when the module is loaded."""

    target: str
    line: int
    at_load: bool


@dataclass(frozen=True)
class Module:
    """One source file."""

    name: str
    path: Path

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, filename=str(self.path))

    @cached_property
    def where(self) -> str:
        return self.path.relative_to(REPOSITORY).as_posix()

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        found: list[Import] = []
        _collect(self.tree, found, at_load=True)
        return tuple(found)


def _collect(node: ast.AST, found: list[Import], *, at_load: bool) -> None:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            found.extend(Import(alias.name, child.lineno, at_load) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            base = child.module or ""
            found.extend(
                Import(f"{base}.{alias.name}", child.lineno, at_load) for alias in child.names
            )
        else:
            deferred = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            typing_only = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test)
            _collect(child, found, at_load=at_load and not deferred and not typing_only)


@lru_cache
def modules() -> dict[str, Module]:
    """All modules of the packages, by dotted name."""
    found: dict[str, Module] = {}
    for package in PACKAGES:
        for path in sorted((REPOSITORY / package).rglob("*.py")):
            parts = path.relative_to(REPOSITORY).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = Module(name, path)
    return found


def resolve(target: str) -> str | None:
    """The module of ours that an import names (`a.b.thing` is `a.b`), or None."""
    known = modules()
    while target:
        if target in known:
            return target
        target = target.rpartition(".")[0]
    return None


def within(name: str, parent: str) -> bool:
    """Whether `name` is `parent` or below it."""
    return name == parent or name.startswith(f"{parent}.")
