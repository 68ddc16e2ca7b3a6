"""The GraphQL documents against the vendor's own full schema."""

import gzip
import re
from pathlib import Path

import orjson
import pytest
from graphql import (
    FieldNode,
    GraphQLSchema,
    NoDeprecatedCustomRule,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_client_schema,
    get_named_type,
    parse,
    validate,
    visit,
)

from orchestration_assets.connectors.shopify import queries
from tests.support.lacking import skip_or_fail

# The schema calls each of the two the successor of the other: Customer.smsMarketingConsent points
# to defaultPhoneNumber, whose fields point to an smsMarketingConsent that their type lacks.
CIRCULAR_DEPRECATIONS = (
    "CustomerPhoneNumber.marketingState",
    "CustomerPhoneNumber.marketingUpdatedAt",
)

TEXTS = {
    "bulk start": queries.BULK_START,
    "bulk status": queries.BULK_STATUS,
    "deletions": queries.DELETIONS,
    **{
        f"{name} {part}": text
        for name, documents in queries.DOCUMENTS.items()
        for part in ("page", "newest", "bulk", "more", "by_id")
        if (text := getattr(documents, part))
    },
}


@pytest.fixture(scope="module")
def schema_of() -> dict[Path, GraphQLSchema]:
    return {}


@pytest.fixture
def schema(vendor_specs: Path, schema_of: dict[Path, GraphQLSchema]) -> GraphQLSchema:
    file = vendor_specs / "shopify" / "admin_2026-07.json.gz"
    if not file.is_file():
        skip_or_fail(f"Shopify's schema is missing: {file}")
    if file not in schema_of:
        data = orjson.loads(gzip.decompress(file.read_bytes()))["data"]
        schema_of[file] = build_client_schema(data, assume_valid=True)
    return schema_of[file]


@pytest.mark.parametrize("name", TEXTS)
def test_every_document_is_valid_in_the_vendors_schema(schema: GraphQLSchema, name: str) -> None:
    assert validate(schema, parse(TEXTS[name])) == []


@pytest.mark.parametrize("name", TEXTS)
def test_no_document_uses_a_field_that_has_a_successor(schema: GraphQLSchema, name: str) -> None:
    found = validate(schema, parse(TEXTS[name]), [NoDeprecatedCustomRule])
    left = [
        error.message
        for error in found
        if not any(field in error.message for field in CIRCULAR_DEPRECATIONS)
    ]
    assert left == []


def test_the_circular_deprecation_is_still_the_vendors(schema: GraphQLSchema) -> None:
    customer, phone = schema.type_map["Customer"], schema.type_map["CustomerPhoneNumber"]
    assert "defaultPhoneNumber" in customer.fields["smsMarketingConsent"].deprecation_reason
    assert "smsMarketingConsent" not in phone.fields, "use it instead and drop the exception"


EXPORTED = {name: found.bulk for name, found in queries.DOCUMENTS.items() if found.bulk}


@pytest.mark.parametrize("name", EXPORTED)
def test_a_bulk_query_stays_within_the_vendors_bounds(schema: GraphQLSchema, name: str) -> None:
    text = EXPORTED[name]
    assert text.count("edges") <= 5
    assert "$" not in text
    info = TypeInfo(schema)
    nodes = NodesOfConnections(info)
    visit(parse(text), TypeInfoVisitor(info, nodes))
    assert nodes.found
    assert all("Node" in interfaces for interfaces in nodes.found.values()), nodes.found


def test_what_no_bulk_operation_may_export_is_not_exported(schema: GraphQLSchema) -> None:
    left = set(queries.DOCUMENTS) - set(EXPORTED)
    assert left == {"subscription_contracts"}
    assert not schema.type_map["SubscriptionLine"].interfaces


@pytest.mark.parametrize("name", queries.DOCUMENTS)
def test_a_stream_is_sorted_by_change_where_the_vendor_can(
    schema: GraphQLSchema, name: str
) -> None:
    documents = queries.DOCUMENTS[name]
    connection = schema.query_type.fields[documents.connection]
    sort_keys = connection.args["sortKey"].type.values
    assert documents.sorted_by_change is ("UPDATED_AT" in sort_keys)
    subjects = schema.type_map["EventSubjectType"].values
    node = get_named_type(get_named_type(connection.type).fields["nodes"].type)
    in_log = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", node.name).upper()
    assert documents.subject == (in_log if in_log in subjects else None)


def test_the_link_that_takes_up_a_checkout_is_never_asked_for() -> None:
    assert not any("abandonedCheckoutUrl" in text for text in TEXTS.values())


class NodesOfConnections(Visitor):
    """Interfaces of the types under `node`, by type."""

    def __init__(self, info: TypeInfo) -> None:
        super().__init__()
        self.info = info
        self.found: dict[str, list[str]] = {}

    def enter_field(self, node: FieldNode, *_: object) -> None:
        if node.name.value == "node":
            node_type = get_named_type(self.info.get_type())
            self.found[node_type.name] = [item.name for item in node_type.interfaces]
