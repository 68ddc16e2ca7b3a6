"""Modules stay small enough to be read at one go, and say what they are for."""

import ast

from tests.architecture.source_tree import Module, modules

MAX_MODULE_LINES = 300
MAX_FUNCTION_LINES = 60
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "misc"}


def is_migration(module: Module) -> bool:
    return ".migrations.versions." in module.name


def test_every_module_says_what_it_is_for():
    found = [
        f"{module.where} has no docstring: say in one sentence what belongs here"
        for module in modules().values()
        if module.text.strip() and not ast.get_docstring(module.tree)
    ]
    assert not found, "\n".join(found)


def test_modules_have_at_most_300_lines():
    found = [
        f"{module.where} has {lines} lines: split it by concept"
        for module in modules().values()
        if (lines := len(module.text.splitlines())) > MAX_MODULE_LINES
    ]
    assert not found, "\n".join(found)


def test_functions_have_at_most_60_lines():
    found = []
    for module in modules().values():
        if is_migration(module):
            continue
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > MAX_FUNCTION_LINES:
                    found.append(
                        f"{module.where}:{node.lineno} {node.name} has {lines} lines: give its parts"
                        " names of their own"
                    )
    assert not found, "\n".join(found)


def test_modules_are_named_for_a_concept():
    found = [
        f"{module.where}: name it for what it holds"
        for module in modules().values()
        if module.path.stem in VAGUE_NAMES
    ]
    assert not found, "\n".join(found)


def test_packages_hold_a_docstring_and_nothing_else():
    found = [
        f"{module.where}: keep code in a module with a name"
        for module in modules().values()
        if module.path.name == "__init__.py"
        and any(not _is_text(node) for node in module.tree.body)
    ]
    assert not found, "\n".join(found)


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
