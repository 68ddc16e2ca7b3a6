"""One table with a run's figures, for a person to read."""

from typing import Any

from rich.console import Console
from rich.table import Table


def _share(value: float | None) -> str:
    return "not known" if value is None else f"{value:.4f}"


def _row_lines(figures: dict[str, Any]) -> list[tuple[str, str, str]]:
    rows = figures["rows"]
    return [
        ("rows read", f"{rows.get('read', 0):,}", "from all systems"),
        (
            "rows landed",
            f"{rows.get('landed', 0):,}",
            f"{rows.get('unchanged', 0):,} unchanged, {rows.get('deleted', 0):,} deletions",
        ),
        (
            "rows quarantined",
            f"{rows.get('quarantined', 0):,}",
            "; ".join(f"{n} {reason}" for reason, n in rows["quarantined_by_reason"].items()),
        ),
    ]


def _outcome_lines(figures: dict[str, Any]) -> list[tuple[str, str, str]]:
    identity, gates, checks = figures["identity"], figures["gates"], figures["checks"]
    lines = [
        (
            "customers resolved",
            f"{identity['customers']:,}",
            (
                f"from {identity['records']:,} records;"
                f" precision {_share(identity.get('precision'))},"
                f" recall {_share(identity.get('recall'))}"
            ),
        ),
        ("gates passed", str(gates["passed"]), f"{checks['passed']} further checks passed"),
        (
            "gates failed",
            str(gates["failed"]),
            "; ".join(gates["failures"] + checks["failures"]),
        ),
    ]
    for destination, sent in figures["sent"].items():
        reasons = "; ".join(f"{n} {reason}" for reason, n in sent.get("reasons", {}).items())
        lines.append(
            (
                f"sent to {destination}",
                f"{sent['confirmed']:,} confirmed",
                f"{sent['rejected']:,} rejected" + (f" ({reasons})" if reasons else ""),
            )
        )
    return lines


def print_figures(figures: dict[str, Any], console: Console | None = None) -> None:
    """Print the table on standard output."""
    table = Table(title="One run, from the systems to the destinations", title_justify="left")
    table.add_column("what")
    table.add_column("figure", justify="right")
    table.add_column("detail", overflow="fold")
    for line in _row_lines(figures) + _outcome_lines(figures):
        table.add_row(*line)
    table.add_section()
    for stage, seconds in figures["seconds"].items():
        table.add_row(f"seconds: {stage}", f"{seconds:.1f}", "")
    (console or Console()).print(table)
