"""The subset agrees with the vendor's own schema, and so do the queries it lets through."""

from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    Undefined,
)

from sandbox.shopify.schema import QueryChecker, load_subset, load_vendor_schema
from sandbox.vendor_specs import SHOPIFY_SCHEMA
from tests.support.lacking import skip_or_fail


@pytest.fixture
def vendor_file(vendor_specs: Path) -> Path:
    path = vendor_specs / SHOPIFY_SCHEMA
    if not path.exists():
        skip_or_fail(f"The vendor's schema is absent: {path}")
    return path


def field_differences(path: str, mine, theirs) -> list[str]:
    """What differs in one field of an output type: its type, its arguments, what it requires."""
    if theirs is None or str(theirs.type) != str(mine.type):
        return [path]
    wrong = []
    for argument, described in mine.args.items():
        known = theirs.args.get(argument)
        if known is None or (str(known.type), known.default_value) != (
            str(described.type),
            described.default_value,
        ):
            wrong.append(f"{path}({argument})")
    required = {a for a, d in theirs.args.items() if str(d.type).endswith("!")}
    missing = {a for a in required - mine.args.keys() if theirs.args[a].default_value is Undefined}
    return wrong + [f"{path}({argument}) is required" for argument in sorted(missing)]


def type_differences(name: str, mine, theirs) -> list[str]:
    if type(theirs) is not type(mine):
        return [name]
    if isinstance(mine, GraphQLEnumType):
        return [f"{name}.{word}" for word in mine.values if word not in theirs.values]
    if isinstance(mine, GraphQLInputObjectType):
        return [
            f"{name}.{field}"
            for field, definition in mine.fields.items()
            if str(theirs.fields[field].type) != str(definition.type)
        ]
    if isinstance(mine, GraphQLObjectType | GraphQLInterfaceType):
        found = [
            field_differences(f"{name}.{field}", definition, theirs.fields.get(field))
            for field, definition in mine.fields.items()
        ]
        return [difference for differences in found for difference in differences]
    return []


def test_every_name_and_type_of_the_subset_is_the_vendors(vendor_file: Path):
    vendor, wrong = load_vendor_schema(vendor_file), []
    for name, mine in load_subset().type_map.items():
        if not name.startswith("__"):
            wrong += type_differences(name, mine, vendor.type_map.get(name))
    assert not wrong


def test_a_query_outside_of_the_vendors_schema_is_refused_in_the_vendors_name(vendor_file: Path):
    checker = QueryChecker(load_subset(), vendor_file)
    assert not checker.check("{shop{name}}").errors
    unknown = checker.check("{customers(first:1){nodes{shoeSize}}}").errors
    assert "local server" not in unknown[0].message
    not_answered = checker.check("{customers(first:1){nodes{multipassIdentifier}}}").errors
    assert "local server" in not_answered[0].message


def test_without_the_vendors_file_the_subset_decides():
    checker = QueryChecker(load_subset(), None)
    assert not checker.check("{shop{name}}").errors
    assert checker.check("{customers(first:1){nodes{shoeSize}}}").errors
    assert checker.check("{").errors
