"""From the bytes of a CSV file to its rows, each with the line that it begins at."""

import csv
import io
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

from orchestration_assets.connectors.reference.streams import LINE, SPILT, SYSTEM
from orchestration_assets.errors import FatalError

Row = dict[str, object]
FORMAT = "config/reference/README.md"


def read_rows(path: Path, content: bytes, columns: Sequence[str]) -> Iterator[Row]:
    """Yield the rows by column name, with `line`; blank cells are null, blank lines left out.

    A row with more cells than columns has all of them in `cells` besides: nobody knows which of
    them is which.

    Args:
        path: of the file, for messages.
        content: of the file, UTF-8 with or without a byte order mark; commas or semicolons.
        columns: names that the first line must have.

    Raises:
        FatalError: it is no CSV file in UTF-8, or a column is missing.
    """
    text = _text(path, content)
    first, _, _ = text.partition("\n")
    delimiter = ";" if ";" in first and "," not in first else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        _check(path, header, columns)
        begins = reader.line_num + 1
        for cells in reader:
            filled = [cell.strip() or None for cell in cells]
            if any(filled):
                row: Row = dict(itertools.zip_longest(header, filled[: len(header)]))
                spilt = {SPILT: filled} if len(filled) > len(header) else {}
                yield {**row, LINE: begins, **spilt}
            begins = reader.line_num + 1
    except csv.Error as error:
        raise FatalError(
            f"{SYSTEM}: line {reader.line_num} of {path} is no CSV ({error}).",
            "put the quotes of that line right.",
        ) from error


def _text(path: Path, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise FatalError(
            f"{SYSTEM}: line {line} of {path} is not UTF-8.", "save the file as CSV in UTF-8."
        ) from error


def _check(path: Path, header: Sequence[str], columns: Sequence[str]) -> None:
    missing = [name for name in columns if name not in header]
    if missing:
        raise FatalError(
            f"{SYSTEM}: {path} has no column {', '.join(missing)}.",
            f"name it in the first line; {FORMAT} says what each column holds.",
        )
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise FatalError(
            f"{SYSTEM}: {path} has the column {', '.join(twice)} twice.",
            "name each column once in the first line.",
        )
