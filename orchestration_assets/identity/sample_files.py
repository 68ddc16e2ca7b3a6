"""Reading a labelled sample: people out of CSV files, and the true pairs.

Errors tell places and counts, never a value: a file without a header, or the wrong file, would show
people. All text of the files counts as it is written; an empty field is no value.
"""

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from orchestration_assets.errors import FatalError
from orchestration_assets.identity import normalise
from orchestration_assets.identity.sample_map import SampleMap

_YEAR_FIRST = re.compile(r"(\d{4})([-/.]?)(\d{1,2})\2(\d{1,2})(?:[T ].*)?")
_DAY_FIRST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})")
_MODEL_COLUMNS = {
    "email": "email",
    "phone": "phone",
    "other_phone": "other_phone",
    "external_id": "named_shopify_customer_id",
    "first_name": "first_name",
    "last_name": "last_name",
    "address": "address",
    "city": "city",
    "postal_code": "postal_code",
    "country_code": "country_code",
}


def read_people(path: Path, sample_map: SampleMap, system: str) -> pa.Table:
    """The records of a file in comparable form: the columns of `identity.normalise`.

    Args:
        path: a CSV file with a header.
        sample_map: what its columns are.
        system: what the file is called among the records.

    Raises:
        FatalError: it is missing, empty, no CSV, lacks a column, or names a record twice.
    """
    table = _read(path, sample_map.wanted)
    ids = pc.utf8_trim_whitespace(table[sample_map.id_column])
    where = f"The file {path.name}"
    if ids.null_count:
        raise FatalError(
            f"{where} has {ids.null_count} records without an id in {sample_map.id_column}.",
            "give each record an id, or name another column under `id` in the map.",
        )
    if pc.count_distinct(ids).as_py() != len(ids):
        raise FatalError(
            f"{where} names {len(ids) - pc.count_distinct(ids).as_py()} records twice in"
            f" {sample_map.id_column}.",
            "name a column under `id` in the map that is different on every record.",
        )
    return _normalised(table, ids, sample_map, system)


def read_truth(path: Path, left: pa.Table, right: pa.Table | None) -> pa.Table:
    """The true pairs as record keys, each once.

    Args:
        path: a CSV file with a header, two id columns and one row for each true pair: of the left
            and the right file, or both of the left one.
        left: people of the left file.
        right: people of the right file; None where there is just one.

    Returns:
        one, other (record keys); within one file the smaller one first.

    Raises:
        FatalError: it is missing, empty, has not two columns, or names a record that no file has.
    """
    table = _read(path, [])
    where = f"The truth {path.name}"
    if table.num_columns != 2:
        raise FatalError(
            f"{where} has {table.num_columns} columns.",
            "leave two, the ids of the records of a pair, with a header above them.",
        )
    sides = []
    for which, people in ((0, left), (1, left if right is None else right)):
        ids = pc.utf8_trim_whitespace(table.column(which))
        found = pc.index_in(ids, value_set=people["record_id"].combine_chunks())
        if found.null_count:
            side = "left" if right is None or which == 0 else "right"
            raise FatalError(
                f"{where}: {found.null_count} of its {table.num_rows} pairs name a record in"
                f" column {which + 1} that the {side} file does not have.",
                "write ids of the id column that the map names, left ids first.",
            )
        sides.append(people["record_key"].take(found))
    if right is None:
        if pc.any(pc.equal(*sides)).as_py():
            raise FatalError(
                f"{where} pairs a record with itself.", "leave only pairs of two records."
            )
        sides = [pc.min_element_wise(*sides), pc.max_element_wise(*sides)]
    pairs = pa.table({"one": sides[0], "other": sides[1]})
    return pairs.group_by(["one", "other"]).aggregate([])


def birth_date(value: str | None) -> str | None:
    """The date as YYYY-MM-DD where it is written so that it can be told, the text otherwise.

    Day before month where the year comes last, unless only the other order is possible. A date that
    no calendar has stays comparable: it is a slip of the one that was meant.
    """
    text = (value or "").strip()
    found = _YEAR_FIRST.fullmatch(text)
    if found:
        year, _, month, day = found.groups()
    else:
        found = _DAY_FIRST.fullmatch(text)
        if not found:
            return text or None
        day, _, month, year = found.groups()
        if int(month) > 12 >= int(day):
            day, month = month, day
    return f"{year}-{int(month):02d}-{int(day):02d}"


def _read(path: Path, wanted: list[str]) -> pa.Table:
    """The wanted columns of a file, all of them where none is named, as text."""
    where = f"The file {path.name}"
    if not path.is_file():
        raise FatalError(f"{where} does not exist.", "name a CSV file that does.")
    header = _header(path, where)
    missing = [name for name in wanted if name not in header]
    if missing:
        raise FatalError(
            f"{where} has no column {', '.join(missing)} among its {len(header)}.",
            "write the columns in the map as the first line of the file does, separated by commas"
            " there.",
        )
    twice = [name for name in wanted if header.count(name) > 1]
    if twice:
        raise FatalError(f"{where} has {', '.join(twice)} twice.", "give each column its own name.")
    table = _rows(path, where, header, wanted)
    if not table.num_rows:
        raise FatalError(f"{where} has no rows.", "give it a header and at least one row.")
    return table


def _header(path: Path, where: str) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            names = next(csv.reader(text), [])
    except (OSError, ValueError, csv.Error):
        raise FatalError(f"{where} cannot be read as CSV.", "write it in UTF-8.") from None
    if not names:
        raise FatalError(f"{where} is empty.", "give it a header and at least one row.")
    return [name.strip() for name in names]


def _rows(path: Path, where: str, header: list[str], wanted: list[str]) -> pa.Table:
    broken: list[arrow_csv.InvalidRow] = []

    def note(row: arrow_csv.InvalidRow) -> str:
        broken.append(row)
        return "skip"

    try:
        table = arrow_csv.read_csv(
            path,
            # One thread knows the numbers of the rows.
            read_options=arrow_csv.ReadOptions(
                use_threads=False, column_names=header, skip_rows_after_names=1
            ),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=note),
            convert_options=arrow_csv.ConvertOptions(
                include_columns=wanted,
                column_types={name: pa.string() for name in header},
                strings_can_be_null=True,
                null_values=[""],
            ),
        )
    except (pa.ArrowException, OSError, ValueError):
        raise FatalError(
            f"{where} cannot be read as CSV.", "write it in UTF-8, fields separated by commas."
        ) from None
    if broken:
        first = broken[0]
        raise FatalError(
            f"{where}: {len(broken)} rows have not as many fields as the header, the first of them"
            f" has {first.actual_columns} for {first.expected_columns} and is row {first.number}.",
            "put texts that hold commas in double quotes.",
        )
    return table


def _normalised(
    table: pa.Table, ids: pa.ChunkedArray, sample_map: SampleMap, system: str
) -> pa.Table:
    count = table.num_rows

    def column(attribute: str) -> pa.ChunkedArray | pa.Array:
        name = sample_map.columns.get(attribute)
        return pa.nulls(count, pa.string()) if name is None else table[name]

    def each(attribute: str, rule: Callable[[str | None], str | None]) -> pa.Array:
        return pa.array([rule(value) for value in column(attribute).to_pylist()], pa.string())

    model = {name: column(attribute) for attribute, name in _MODEL_COLUMNS.items()}
    model["country_code"] = each("country_code", _country)
    people = normalise.normalised(
        pa.table(
            {
                **model,
                "system": pa.array([system] * count, pa.string()),
                "record_id": ids,
                # The order of the file stands for the order of landing.
                "first_loaded_at": pa.array(range(count), pa.timestamp("us", "UTC")),
            }
        ),
        sample_map.default_region,
    )
    own = {
        "shop_id": each("external_id", lambda value: (value or "").strip() or None),
        "birth_date": each("birth_date", birth_date),
    }
    if "address" not in sample_map.columns:
        own["house"] = each("house", lambda value: normalise.house(value) or normalise.name(value))
        own["street"] = each("street", normalise.street)
    for name, values in own.items():
        people = people.set_column(people.schema.get_field_index(name), name, values)
    return people


def _country(value: str | None) -> str | None:
    code = (value or "").strip().upper()
    return code if len(code) == 2 and code.isalpha() else None
