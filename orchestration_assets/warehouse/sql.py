"""Text of SQL: named parameters and checked identifiers, the same for both engines."""

import re
from collections.abc import Mapping
from typing import Any

from orchestration_assets.errors import FatalError

_IDENTIFIER = re.compile(r"^[A-Za-z_][A-Za-z0-9_]{0,62}$")
# Literals, quoted names, comments and casts come first, so that a colon in them is no parameter.
_TOKEN = re.compile(
    r"""(?P<skip>'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|/\*.*?\*/|::)|:(?P<name>[A-Za-z_]\w*)""",
    re.DOTALL,
)


def identifier(name: str) -> str:
    """Return the name quoted.

    Raises:
        FatalError: the name is more than letters, digits and underscores.
    """
    if not _IDENTIFIER.fullmatch(name):
        raise FatalError(
            f"{name!r} is not a valid SQL name.",
            "use letters, digits and underscores only, at most 63 characters.",
        )
    return f'"{name}"'


def qualified(schema: str, table: str) -> str:
    """Return `"schema"."table"` with both names checked."""
    return f"{identifier(schema)}.{identifier(table)}"


def bind(
    sql: str, params: Mapping[str, Any] | None, placeholder: str, *, double_percent: bool = False
) -> tuple[str, dict[str, Any]]:
    """Rewrite `:name` to the driver's own form; return the SQL and the parameters it uses.

    Args:
        sql: text with `:name` for each parameter.
        params: values by name; a `:name` that is not among them is left alone.
        placeholder: the driver's form with `{}` for the name (`${}` or `%({})s`).
        double_percent: write `%` as `%%`, for drivers that read it as a placeholder.
    """
    if not params:
        return sql, {}
    used: dict[str, Any] = {}
    pieces: list[str] = []
    position = 0
    for token in _TOKEN.finditer(sql):
        name = token["name"]
        if name is None or name not in params:
            continue
        pieces += [_escaped(sql[position : token.start()], double_percent)]
        pieces += [placeholder.format(name)]
        used[name] = params[name]
        position = token.end()
    pieces.append(_escaped(sql[position:], double_percent))
    return ("".join(pieces), used) if used else (sql, {})


def _escaped(text: str, double_percent: bool) -> str:
    return text.replace("%", "%%") if double_percent else text
