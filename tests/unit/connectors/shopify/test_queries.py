"""The GraphQL documents against the vendor's own full schema."""

import gzip
from pathlib import Path

import orjson
import pytest
from graphql import GraphQLSchema, NoDeprecatedCustomRule, build_client_schema, parse, validate

from orchestration_assets.connectors.shopify import queries
from tests.conftest import skip_or_fail

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
        for part in ("page", "newest", "bulk", "more")
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


@pytest.mark.parametrize("name", queries.DOCUMENTS)
def test_a_bulk_query_stays_within_the_vendors_bounds(name: str) -> None:
    text = queries.DOCUMENTS[name].bulk
    assert text.count("edges") <= 5
    assert "$" not in text
