"""customerSet, consent, and bulk operations: what a client starts and changes."""

import httpx
import orjson
import pytest

from sandbox.faults import Profile
from tests.unit.sandbox.serving import eventually

SET = """mutation($identifier:CustomerSetIdentifiers,$input:CustomerSetInput!){
  customerSet(identifier:$identifier,input:$input){
    customer{id firstName defaultEmailAddress{emailAddress} defaultAddress{city}}
    userErrors{code field message}}}"""
START = """mutation($q:String!,$g:Boolean!){bulkOperationRunQuery(query:$q,groupObjects:$g){
  bulkOperation{id status} userErrors{code field message}}}"""
STATUS = """query($id:ID!){bulkOperation(id:$id){
  status errorCode url partialDataUrl objectCount rootObjectCount fileSize completedAt}}"""
ORDERS = """{orders{edges{node{id name customer{legacyResourceId}
  lineItems{edges{node{id quantity discountedTotalSet{shopMoney{amount}}}}}}}}}"""


def finished(shop, query: str = ORDERS, *, grouped: bool = True) -> dict:
    started = shop.data(START, q=query, g=grouped)["bulkOperationRunQuery"]
    assert started["userErrors"] == []
    assert started["bulkOperation"]["status"] == "CREATED"
    identifier = started["bulkOperation"]["id"]
    return eventually(
        lambda: shop.data(STATUS, id=identifier)["bulkOperation"],
        lambda operation: operation["completedAt"] is not None,
    )


def lines_of(url: str) -> list[dict]:
    return [orjson.loads(line) for line in httpx.get(url).content.splitlines()]


def test_a_bulk_operation_gives_every_order_and_its_lines(shop):
    a_shop = shop()
    operation = finished(a_shop)
    lines = lines_of(operation["url"])
    orders = a_shop.world.tables["shopify.orders"]
    items = sum(len(order["line_items"]) for order in orders.values())
    assert operation["status"] == "COMPLETED"
    assert int(operation["rootObjectCount"]) == len(orders)
    assert int(operation["objectCount"]) == len(lines) == len(orders) + items
    parent = None
    for line in lines:
        if "__parentId" in line:
            assert line["__parentId"] == parent["id"]
        else:
            parent = line


def test_a_bulk_operation_gives_what_pages_give(shop):
    a_shop = shop()
    flat = {}
    for line in lines_of(finished(a_shop, grouped=False)["url"]):
        parent = line.pop("__parentId", None)
        if parent is None:
            flat[line["id"]] = line | {"lineItems": {"edges": []}}
        else:
            flat[parent]["lineItems"]["edges"].append({"node": line})
    paged, after = {}, None
    query = ORDERS.replace(
        "orders{", "orders(first:20,after:$after){pageInfo{hasNextPage endCursor} "
    )
    query = "query($after:String)" + query.replace("lineItems{", "lineItems(first:50){")
    while True:
        page = a_shop.data(query, after=after)["orders"]
        paged |= {edge["node"]["id"]: edge["node"] for edge in page["edges"]}
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert flat == paged


def test_only_one_bulk_operation_runs_at_a_time(shop):
    a_shop = shop()
    first = a_shop.data(START, q=ORDERS, g=True)["bulkOperationRunQuery"]
    second = a_shop.data(START, q=ORDERS, g=True)["bulkOperationRunQuery"]
    assert first["userErrors"] == []
    assert second["bulkOperation"] is None
    assert second["userErrors"][0]["code"] == "OPERATION_IN_PROGRESS"


def test_a_failed_bulk_operation_leaves_partial_data(shop):
    a_shop = shop()
    a_shop.context.faults.set("shopify", Profile.PARTIAL_FAILURES, share=1.0)
    operation = finished(a_shop)
    assert operation["status"] == "FAILED"
    assert operation["errorCode"] == "INTERNAL_SERVER_ERROR"
    assert operation["url"] is None
    partial = [line for line in lines_of(operation["partialDataUrl"]) if "__parentId" not in line]
    assert len(partial) == len(a_shop.world.tables["shopify.orders"]) // 2


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("{shop{name}}", "at least one connection"),
        ("{orders{edges{node{name lineItems{edges{node{id}}}}}}}", "'id'"),
        ("{orders{edges{node{shoeSize}}}}", "shoeSize"),
        (
            "{subscriptionContracts{edges{node{id lines{edges{node{id}}}}}}}",
            "connections of `Node` objects",
        ),
    ],
)
def test_a_query_that_is_no_bulk_query_is_a_user_error(shop, query, words):
    refused = shop(40).data(START, q=query, g=False)["bulkOperationRunQuery"]
    assert refused["bulkOperation"] is None
    assert words in refused["userErrors"][0]["message"]


def test_a_bulk_operation_can_be_cancelled(shop):
    a_shop = shop()
    started = a_shop.data(START, q=ORDERS, g=True)["bulkOperationRunQuery"]["bulkOperation"]
    cancel = (
        "mutation($id:ID!){bulkOperationCancel(id:$id){bulkOperation{status} userErrors{message}}}"
    )
    assert a_shop.data(cancel, id=started["id"])["bulkOperationCancel"]["userErrors"] == []
    operation = eventually(
        lambda: a_shop.data(STATUS, id=started["id"])["bulkOperation"],
        lambda found: found["completedAt"] is not None,
    )
    assert operation["status"] == "CANCELED"
    assert a_shop.data(cancel, id=started["id"])["bulkOperationCancel"]["userErrors"]


def test_customer_set_creates_then_updates_and_is_recorded(shop):
    a_shop = shop(40)
    who = {"email": "new.person@example.com"}
    made = a_shop.data(SET, identifier=who, input={**who, "firstName": "Anna"})["customerSet"]
    assert made["userErrors"] == []
    again = a_shop.data(
        SET, identifier=who, input={"lastName": "Roy", "addresses": [{"city": "Lyon"}]}
    )["customerSet"]
    assert again["customer"]["id"] == made["customer"]["id"]
    assert again["customer"]["firstName"] == "Anna"
    assert again["customer"]["defaultAddress"]["city"] == "Lyon"
    rows = [row for write in a_shop.context.request_log.writes for row in write["rows"]]
    assert [row["id"] for row in rows] == [made["customer"]["id"]] * 2


def test_refused_customers_are_user_errors_and_nothing_is_recorded(shop):
    a_shop = shop(40)
    table = a_shop.world.tables["shopify.customers"]
    taken = next(d["email"].strip() for d in table.values() if d["email"] and "@" in d["email"])
    other = next(i for i, d in table.items() if (d["email"] or "").strip() != taken)
    cases = [
        ({"input": {"email": "no address"}}, "INVALID"),
        (
            {"input": {"email": taken}, "identifier": {"id": f"gid://shopify/Customer/{other}"}},
            "TAKEN",
        ),
        ({"input": {"phone": "0612"}}, "INVALID"),
        (
            {"input": {"email": "a@example.com"}, "identifier": {"email": "b@example.com"}},
            "INPUT_MISMATCH",
        ),
        ({"input": {}, "identifier": {"id": "gid://shopify/Customer/1"}}, "NOT_FOUND"),
    ]
    for variables, code in cases:
        answer = a_shop.data(SET, **variables)["customerSet"]
        assert answer["customer"] is None
        assert answer["userErrors"][0]["code"] == code
    assert not a_shop.context.request_log.writes


def test_consent_of_an_address_can_be_withdrawn(shop):
    a_shop = shop(40)
    number = next(i for i, d in a_shop.world.live("shopify.customers") if d["email"])
    mutation = """mutation($input:CustomerEmailMarketingConsentUpdateInput!){
      customerEmailMarketingConsentUpdate(input:$input){
        customer{defaultEmailAddress{marketingState marketingUpdatedAt}} userErrors{message}}}"""
    given = {
        "customerId": f"gid://shopify/Customer/{number}",
        "emailMarketingConsent": {
            "marketingState": "UNSUBSCRIBED",
            "consentUpdatedAt": "2026-01-02T03:04:05Z",
        },
    }
    address = a_shop.data(mutation, input=given)["customerEmailMarketingConsentUpdate"]["customer"]
    assert address["defaultEmailAddress"] == {
        "marketingState": "UNSUBSCRIBED",
        "marketingUpdatedAt": "2026-01-02T03:04:05Z",
    }
