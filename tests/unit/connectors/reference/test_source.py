"""Reading a team's own CSV files: their rows, what changed, and what is wrong with them."""

from pathlib import Path

import pytest

from orchestration_assets.connectors.reference.source import ReferenceSource
from orchestration_assets.connectors.reference.streams import STREAMS, columns_of
from orchestration_assets.errors import FatalError
from orchestration_assets.settings import Settings

RATES = "from_currency,to_currency,rate_date,rate,updated_at\n"
JANUARY = "CHF,EUR,2026-01-01,1.0712,2026-01-01T16:00:00Z\n"
FEBRUARY = "CHF,EUR,2026-02-01,1.0701,2026-02-01T16:00:00Z\n"


def put(folder: Path, stream: str, content: str | bytes) -> Path:
    path = folder / f"{stream}.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def source(folder: Path) -> ReferenceSource:
    return ReferenceSource({"dir": str(folder)})


def rows(folder: Path, stream: str = "exchange_rates") -> list[dict]:
    [page] = source(folder).read(stream, None)
    assert page.deleted is False
    return [dict(record) for record in page.records]


def test_a_row_comes_by_its_columns_with_its_line_and_a_rate_with_its_name(tmp_path: Path) -> None:
    put(tmp_path, "exchange_rates", RATES + JANUARY + "\n" + FEBRUARY)
    first, second = rows(tmp_path)
    assert first == {
        "rate_id": "CHF:EUR:2026-01-01",
        "from_currency": "CHF",
        "to_currency": "EUR",
        "rate_date": "2026-01-01",
        "rate": "1.0712",
        "updated_at": "2026-01-01T16:00:00Z",
        "line": 2,
    }
    assert (second["rate_id"], second["line"]) == ("CHF:EUR:2026-02-01", 4)


@pytest.mark.parametrize(
    "written",
    [
        (RATES + JANUARY).encode("utf-8-sig"),
        (RATES + JANUARY).replace(",", ";"),
        (RATES + JANUARY).replace("\n", "\r\n"),
        (RATES + JANUARY).rstrip("\n"),
        RATES + JANUARY.replace("CHF", ' "CHF" '.strip()).replace(",", ", "),
    ],
)
def test_however_a_spreadsheet_writes_the_file_it_reads_the_same(tmp_path: Path, written) -> None:
    put(tmp_path, "exchange_rates", RATES + JANUARY)
    wanted = rows(tmp_path)
    put(tmp_path, "exchange_rates", written)
    assert rows(tmp_path) == wanted


def test_columns_stand_in_any_order_and_more_of_them_are_kept(tmp_path: Path) -> None:
    names = [*reversed(columns_of("costs")), "note"]
    cells = {name: name for name in names}
    put(tmp_path, "costs", ",".join(names) + "\n" + ",".join(cells.values()) + "\n")
    assert rows(tmp_path, "costs") == [{**cells, "line": 2}]


def test_blank_cells_are_null_and_short_rows_are_filled_with_them(tmp_path: Path) -> None:
    put(tmp_path, "exchange_rates", RATES + "CHF,EUR, ,1.07,\n,,,,\nUSD\n")
    blank, short = rows(tmp_path)
    assert (blank["rate_date"], blank["updated_at"], blank["rate_id"]) == (None, None, None)
    assert (short["from_currency"], short["rate"], short["line"]) == ("USD", None, 4)


def test_of_a_row_with_cells_too_many_only_the_name_is_taken_for_granted(tmp_path: Path) -> None:
    put(tmp_path, "exchange_rates", RATES + JANUARY.replace("1.0712", "1,0712"))
    cells = ["CHF", "EUR", "2026-01-01", "1", "0712", "2026-01-01T16:00:00Z"]
    assert rows(tmp_path) == [{"rate_id": "CHF:EUR:2026-01-01", "line": 2, "cells": cells}]


def test_a_quoted_cell_over_two_lines_is_one_row_and_the_next_line_is_counted_right(
    tmp_path: Path,
) -> None:
    put(tmp_path, "exchange_rates", RATES + JANUARY.replace("CHF", '"C\nHF"') + FEBRUARY)
    assert [row["line"] for row in rows(tmp_path)] == [2, 4]


def test_a_file_has_changed_once_its_content_has(tmp_path: Path) -> None:
    put(tmp_path, "exchange_rates", RATES + JANUARY)
    reading = source(tmp_path)
    assert reading.has_changed("exchange_rates", None)
    [page] = reading.read("exchange_rates", None)
    assert not reading.has_changed("exchange_rates", page.cursor)
    put(tmp_path, "exchange_rates", RATES + JANUARY)
    assert not reading.has_changed("exchange_rates", page.cursor), "it was only written again"
    put(tmp_path, "exchange_rates", RATES + JANUARY + FEBRUARY)
    assert reading.has_changed("exchange_rates", page.cursor)


def test_a_missing_file_says_which_and_where_it_may_be(tmp_path: Path) -> None:
    for call in (
        lambda: rows(tmp_path, "costs"),
        lambda: source(tmp_path).has_changed("costs", None),
    ):
        with pytest.raises(FatalError, match=r"costs\.csv cannot be read.*ACCORD_REFERENCE_DIR"):
            call()


def test_a_missing_column_is_named_with_its_file(tmp_path: Path) -> None:
    put(tmp_path, "exchange_rates", RATES.replace(",rate,", ",").replace("to_", "") + JANUARY)
    with pytest.raises(FatalError, match=r"exchange_rates\.csv has no column to_currency, rate\."):
        rows(tmp_path)
    put(tmp_path, "exchange_rates", "")
    with pytest.raises(FatalError, match=r"exchange_rates\.csv has no column from_currency"):
        rows(tmp_path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (RATES.replace("rate_date", "rate") + JANUARY, "has no column rate_date"),
        (RATES.rstrip("\n") + ",rate\n" + JANUARY, "has the column rate twice"),
        ((RATES + JANUARY).encode("utf-16"), "line 1 of .* is not UTF-8"),
        (RATES.encode() + JANUARY.encode() + "Zürich".encode("latin-1"), "line 3 of .* not UTF-8"),
        (RATES + '"CHF,EUR\n', "line 2 of .* is no CSV"),
        (RATES + JANUARY + FEBRUARY + JANUARY, "lines 2 and 4 of .* have the same rate_id"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_line(tmp_path: Path, content, said) -> None:
    path = put(tmp_path, "exchange_rates", content)
    with pytest.raises(FatalError, match=said) as caught:
        rows(tmp_path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("stream", sorted(STREAMS))
def test_the_files_that_come_with_the_project_can_be_read(stream: str) -> None:
    folder = Path(Settings().connection("reference")["dir"])
    found = rows(folder, stream)
    assert len(found) > 24
    assert all(
        row.keys() == {*columns_of(stream), "line", STREAMS[stream].record_id} for row in found
    )


def test_another_folder_is_named_by_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().connection("reference")["dir"].endswith("config/reference")
    monkeypatch.setenv("ACCORD_REFERENCE_DIR", "/srv/figures")
    assert Settings().connection("reference")["dir"] == "/srv/figures"
    monkeypatch.setenv("ACCORD_REFERENCE_DIR", "")
    monkeypatch.setenv("ACCORD_CONFIG_DIR", "/srv/config")
    assert Settings().connection("reference")["dir"] == "/srv/config/reference"
