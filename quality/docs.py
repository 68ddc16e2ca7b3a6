"""Great Expectations' pages on the newest validation of every suite, as files that need no network.

Its renderers make the pages of what `quality.findings` kept. Its own site cannot be used as it is:
it loads scripts and styles from eight hosts, and names a page by the moment of the validation, so
that no link could be given before the page is there.
"""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from quality.connection import be_quiet

INDEX = "index.html"
_TEMPLATES = Path(__file__).with_name("pages")
_TEMPLATE = "accord_page.j2"
_STOPS = {
    "blocking": "blocks the whole set",
    "holding": "holds its rows back",
    "warning": "warns only",
}
_LEFT_OUT = "The text of the error is left out: it may hold values of rows."
_WIDE = {"classes": ["col-12", "table-responsive"], "body": {"classes": ["table"]}}
_NARROW = {"classes": ["col-12", "table-responsive"], "body": {"classes": ["table", "table-sm"]}}
_GOOD = '<i class="fas fa-check-circle text-success" title="kept"></i>'
_BAD = '<i class="fas fa-times text-danger" title="broken"></i>'
_UNKNOWN = '<i class="fas fa-exclamation-triangle text-warning" title="not evaluated"></i>'


def page_of(suite: str) -> str:
    """File name of a suite's page."""
    return f"{suite}.html"


def write_pages(documents: Sequence[Mapping[str, Any]], out: Path) -> None:
    """Write one page a suite and the list of them.

    Args:
        documents: as `quality.findings.document` makes them.
        out: folder of the pages; made when missing.
    """
    be_quiet()
    # heavy: takes seconds to import
    from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
    from great_expectations.render.view.view import DefaultJinjaPageView

    view = DefaultJinjaPageView(custom_views_directory=str(_TEMPLATES))
    renderer = ValidationResultsPageRenderer(run_info_at_end=True)
    out.mkdir(parents=True, exist_ok=True)
    for document in documents:
        page: Any = renderer.render(_validation(document))
        page.page_title = document["suite"]
        overview = page.sections[0].content_blocks
        # It points at a page of the suite, which this site does not have.
        overview[0].subheader.string_template["styling"]["params"].pop("expectation_suite_name")
        overview.append(_decision(document))
        overview.append(_rules(document))
        text = view.render(page, template=_TEMPLATE)
        (out / page_of(document["suite"])).write_text(text, encoding="utf-8")
    (out / INDEX).write_text(view.render(_index(documents), template=_TEMPLATE), encoding="utf-8")


def _validation(document: Mapping[str, Any]) -> Any:
    """The judgement as Great Expectations' own result; its status is the gate's."""
    import great_expectations as gx
    from great_expectations.core.expectation_validation_result import (
        ExpectationSuiteValidationResult,
    )

    rules = document["rules"]
    good = sum(rule["success"] for rule in rules)
    return ExpectationSuiteValidationResult(
        success=document["passed"],
        results=[_item(rule) for rule in rules],
        suite_name=document["suite"],
        statistics={
            "evaluated_expectations": sum(not rule["raised"] for rule in rules),
            "successful_expectations": good,
            "unsuccessful_expectations": len(rules) - good,
            "success_percent": 100 * good / len(rules) if rules else None,
        },
        meta={
            "run_id": {"run_name": document["run_id"], "run_time": document["judged_at"]},
            "batch_spec": {"data_asset_name": document["table"]},
            "great_expectations_version": gx.__version__,
        },
    )


def _item(rule: Mapping[str, Any]) -> Any:
    from great_expectations.core.expectation_validation_result import ExpectationValidationResult
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    text = _LEFT_OUT if rule["raised"] else None
    return ExpectationValidationResult(
        success=rule["success"],
        expectation_config=ExpectationConfiguration(type=rule["type"], kwargs=dict(rule["kwargs"])),
        result=dict(rule["result"]),
        exception_info={
            "raised_exception": rule["raised"],
            "exception_message": text,
            "exception_traceback": text,
        },
    )


def _decision(document: Mapping[str, Any]) -> Any:
    """What the gate made of it: it fails where Great Expectations passes, and holds rows alone."""
    from great_expectations.render.components import RenderedTableContent

    rows = [
        ["Rows of the table", document["rows"]],
        ["Rows judged by the rules on single rows", document["rows_judged"]],
        ["Rows held back alone", document["rows_held"]],
        ["Judged at (UTC)", _moment(document)],
        ["Why it did not pass", document["reason"]],
    ]
    table = [[label, _text(value)] for label, value in rows if value not in (None, "")]
    return RenderedTableContent(
        content_block_type="table", header="What the gate decided", table=table, styling=_NARROW
    )


def _rules(document: Mapping[str, Any]) -> Any:
    from great_expectations.render.components import RenderedTableContent

    table = [
        [
            _UNKNOWN if rule["raised"] else _GOOD if rule["success"] else _BAD,
            _text(rule["rule"]),
            _STOPS[rule["severity"]],
            _text(rule["over"]),
            _text(_broken(rule)),
            " ".join(f"<code>{_text(name)}</code>" for name in rule["references"]),
        ]
        for rule in sorted(document["rules"], key=lambda one: one["success"])
    ]
    # A table without a row has no form for its template.
    return RenderedTableContent(
        content_block_type="table",
        header="Its rules",
        header_row=["", "Rule", "A breach", "Judged over", "Found", "Some of them"],
        table=table or [["", "No rule could be evaluated.", "", "", "", ""]],
        styling=_WIDE,
    )


def _broken(rule: Mapping[str, Any]) -> str:
    """How many rows break the rule, or the figure that a rule on the whole table found."""
    figures = rule["result"]
    if rule["success"] or rule["raised"]:
        return ""
    rows = figures.get("unexpected_count")
    if rows is None and rule["type"] == "unexpected_rows_expectation":
        rows = figures.get("observed_value")
    if rows is not None:
        return f"{rows:,} rows"
    figure = figures.get("observed_value", "")
    return f"{figure:,.6g}" if isinstance(figure, float) else str(figure)


def _index(documents: Sequence[Mapping[str, Any]]) -> Any:
    """The list of all suites, those that did not pass first."""
    from great_expectations.render.components import (
        RenderedDocumentContent,
        RenderedSectionContent,
        RenderedTableContent,
    )

    listed = sorted(
        documents, key=lambda one: (one["passed"], -one["rows_held"], one["table"], one["suite"])
    )
    table = [
        [
            _GOOD if one["passed"] else _BAD,
            f'<a href="{_text(page_of(one["suite"]))}">{_text(one["suite"])}</a>',
            _text(one["table"]),
            _text(one["rows"]),
            _text(one["rows_judged"]),
            _text(one["rows_held"]),
            _text(sum(not rule["success"] for rule in one["rules"])),
            _text(_moment(one)),
        ]
        for one in listed
    ]
    columns = ["", "Gate", "Table", "Rows", "Judged", "Held", "Broken rules", "At (UTC)"]
    block = RenderedTableContent(
        content_block_type="table",
        header_row=columns,
        table=table or [["", "No gate has judged anything yet.", *[""] * 6]],
        styling=_WIDE,
    )
    section = RenderedSectionContent(section_name="Gates", content_blocks=[block])
    return RenderedDocumentContent(
        renderer_type="SiteIndexPageRenderer", page_title="Gates", sections=[section]
    )


def _moment(document: Mapping[str, Any]) -> str:
    return document["judged_at"][:19].replace("T", " ")


def _text(value: Any) -> str:
    """A value for a cell: the templates take it as it is."""
    return "" if value is None else escape(str(value))
