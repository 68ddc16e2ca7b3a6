"""How `accord governance lineage` shows a column: a tree for a reader, plain values for JSON."""

from dataclasses import asdict
from typing import Any

from orchestration_assets.governance.lineage import Branch, ColumnFacts, Graph


def as_json(graph: Graph, column: str) -> dict[str, Any]:
    """The column's facts, both trees, and the ends of them in short."""
    up, down = graph.upstream(column), graph.downstream(column)
    return {
        "column": column,
        **asdict(graph.facts.get(column, ColumnFacts())),
        "vendor_fields": sorted({branch.vendor for branch in up.walk() if branch.vendor}),
        "destinations": [asdict(one) for branch in down.walk() for one in branch.sent],
        "upstream": _plain(up),
        "downstream": _plain(down),
    }


def _plain(branch: Branch) -> dict[str, Any]:
    return {
        "column": branch.column,
        "vendor_field": branch.vendor,
        "deciding": list(branch.deciding),
        "sent": [asdict(one) for one in branch.sent],
        "is_repeated": branch.is_repeated,
        "next": [_plain(one) for one in branch.next_columns],
    }


def in_words(graph: Graph, column: str) -> list[str]:
    """Lines of text: the column, where it comes from, where it goes to."""
    facts = graph.facts.get(column, ColumnFacts())
    up, down = graph.upstream(column), graph.downstream(column)
    about = [facts.personal_data or "unclassified", facts.owner and f"{facts.owner} answers for it"]
    return [
        f"{column} ({', '.join(filter(None, about))})",
        *([facts.description] if facts.description else []),
        "",
        "comes from",
        *(_after(up, "", "decided by") or ["  nothing: a constant, or what a step counts"]),
        "",
        "goes to",
        *(_after(down, "", "decides") or ["  nothing"]),
    ]


def columns_in_words(graph: Graph, table: str) -> list[str]:
    """One line for each column of a table, with its class."""
    names = [column.rpartition(".")[2] for column in graph.tables[table]]
    width = max(len(name) for name in names)
    facts = [graph.facts.get(f"{table}.{name}", ColumnFacts()) for name in names]
    return [
        f"{name:<{width}}  {known.personal_data}".rstrip()
        for name, known in zip(names, facts, strict=True)
    ]


def _after(branch: Branch, indent: str, choice: str) -> list[str]:
    """What is known of a branch's end, and what follows it."""
    lines = [f"{indent}  <- {branch.vendor}"] if branch.vendor else []
    if branch.deciding:
        tables: dict[str, list[str]] = {}
        for name in branch.deciding:
            tables.setdefault(name.split(".")[1], []).append(name.split(".")[2])
        shown = "; ".join(f"{table}: {', '.join(names)}" for table, names in tables.items())
        lines.append(f"{indent}  {choice} {shown}")
    lines += [f"{indent}  -> {one.shown}" for one in branch.sent]
    for one in branch.next_columns:
        above = "  (see above)" if one.is_repeated else ""
        lines += [f"{indent}  {one.column}{above}", *_after(one, indent + "  ", choice)]
    return lines
