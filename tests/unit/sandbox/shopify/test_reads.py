"""Pages, filters, deletions, cost: what a client reads from the shop."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from graphql import execute_sync, parse

from sandbox.shopify.app import ALL_RESOLVERS, create_app
from sandbox.shopify.executor import run
from sandbox.shopify.runtime import Runtime
from tests.unit.sandbox.shopify.conftest import PATH

CUSTOMERS = """query($first:Int!,$after:String,$q:String,$reverse:Boolean){
  customers(first:$first,after:$after,query:$q,sortKey:UPDATED_AT,reverse:$reverse){
    nodes{id legacyResourceId updatedAt defaultEmailAddress{emailAddress marketingState}}
    pageInfo{hasNextPage endCursor}}}"""
ORDERS = """{orders(first:20,sortKey:UPDATED_AT){nodes{...order} pageInfo{endCursor hasNextPage}}
  events(first:3){nodes{id __typename ...on BasicEvent{subjectId subjectType}}}
  customers(first:2,reverse:true){edges{cursor node{id orders(first:2){nodes{name}}}}}
  products(first:3){nodes{title variants(first:5){nodes{sku price product{handle}}}}}
  abandonedCheckouts(first:9,sortKey:ID,reverse:true){nodes{id name note abandonedCheckoutUrl
    customer{id} completedAt totalPriceSet{shopMoney{amount currencyCode}}
    lineItems(first:2){nodes{id title product{id} variant{sku} discountedTotalPriceSet{shopMoney{amount}}}}}}
  subscriptionContracts(first:9){nodes{id status customer{id} billingPolicy{interval intervalCount}
    nextBillingDate lines(first:5){nodes{id productId variantId lineDiscountedPrice{amount}}}}}}
fragment order on Order{id name customer{id displayName defaultAddress{countryCodeV2}}
  currentTotalPriceSet{shopMoney{amount currencyCode}} tags displayFinancialStatus
  refunds{id legacyResourceId createdAt note order{name} totalRefundedSet{shopMoney{amount}}}
  lineItems(first:5){edges{cursor node{id quantity variant{id sku} product{legacyResourceId}
  totalDiscountSet{shopMoney{amount}}}}}}"""


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def all_customers(shop, **variables):
    found, after = [], None
    while True:
        page = shop.data(CUSTOMERS, first=7, after=after, **variables)["customers"]
        found += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


def test_pages_hold_every_living_customer_once_in_order_of_change(shop):
    a_shop = shop()
    gone = next(iter(a_shop.world.tables["shopify.customers"]))
    a_shop.world.archive("shopify.customers", gone)
    found = all_customers(a_shop)
    living = {record_id for record_id, _ in a_shop.world.live("shopify.customers")}
    assert sorted(node["legacyResourceId"] for node in found) == sorted(living)
    assert gone not in living
    times = [node["updatedAt"] for node in found]
    assert times == sorted(times)
    assert [n["id"] for n in all_customers(a_shop, reverse=True)] == [n["id"] for n in found][::-1]


def test_times_filter_by_the_second_that_is_shown(shop):
    a_shop = shop()
    found = all_customers(a_shop)
    middle = found[len(found) // 2]["updatedAt"]
    for comparator, holds in (
        (">=", lambda at: at >= middle),
        (">", lambda at: at > middle),
        ("<", lambda at: at < middle),
        ("<=", lambda at: at <= middle),
    ):
        asked = all_customers(a_shop, q=f"updated_at:{comparator}'{middle}'")
        assert [n["id"] for n in asked] == [n["id"] for n in found if holds(n["updatedAt"])]
    both = all_customers(a_shop, q=f"updated_at:>='{middle}' AND updated_at:<='{middle}'")
    assert {node["updatedAt"] for node in both} == {middle}


def test_a_deleted_record_leaves_a_destroy_event(shop):
    a_shop = shop()
    before = a_shop.world.clock() - timedelta(seconds=1)
    expected = {}
    for table, kind in (("customers", "CUSTOMER"), ("orders", "ORDER"), ("products", "PRODUCT")):
        number = next(iter(a_shop.world.tables[f"shopify.{table}"]))
        a_shop.world.archive(f"shopify.{table}", number)
        expected[kind] = number
    query = """query($q:String!){events(first:250,query:$q,sortKey:CREATED_AT){
        nodes{id action createdAt ...on BasicEvent{subjectId subjectType}}}}"""
    for kind, number in expected.items():
        asked = f"action:destroy AND subject_type:{kind} AND created_at:>='{iso(before)}'"
        nodes = a_shop.data(query, q=asked)["events"]["nodes"]
        assert [node["subjectId"].rsplit("/", 1)[-1] for node in nodes] == [number]
        assert nodes[0]["subjectType"] == kind
    deleted = a_shop.data(
        "{deletionEvents(first:9,subjectTypes:[PRODUCT]){nodes{subjectId subjectType}}}"
    )
    assert len(deleted["deletionEvents"]["nodes"]) == 1


CARTS = """query($first:Int!,$after:String,$q:String){
  abandonedCheckouts(first:$first,after:$after,query:$q,sortKey:ID,reverse:true){
    nodes{id completedAt updatedAt} pageInfo{hasNextPage endCursor}}}"""


def all_carts(shop, **variables):
    found, after = [], None
    while True:
        page = shop.data(CARTS, first=5, after=after, **variables)["abandonedCheckouts"]
        found += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


def test_carts_come_newest_first_and_filter_by_time_and_recovery(shop):
    a_shop = shop()
    found = all_carts(a_shop)
    numbers = [int(node["id"].rsplit("/", 1)[-1]) for node in found]
    living = {int(key) for key, _ in a_shop.world.live("shopify.abandoned_checkouts")}
    assert numbers == sorted(living, reverse=True)
    middle = sorted(node["updatedAt"] for node in found)[len(found) // 2]
    later = all_carts(a_shop, q=f"updated_at:>='{middle}'")
    assert later == [node for node in found if node["updatedAt"] >= middle]
    recovered = all_carts(a_shop, q="recovery_state:recovered")
    assert recovered == [node for node in found if node["completedAt"]]
    assert 0 < len(recovered) < len(found)


def test_carts_cannot_be_sorted_by_change_and_contracts_can(shop):
    a_shop = shop()
    refused = a_shop.ask("{abandonedCheckouts(first:1,sortKey:UPDATED_AT){nodes{id}}}")
    assert "AbandonedCheckoutSortKeys" in refused["errors"][0]["message"]
    query = "{subscriptionContracts(first:9,sortKey:UPDATED_AT){nodes{updatedAt}}}"
    times = [n["updatedAt"] for n in a_shop.data(query)["subscriptionContracts"]["nodes"]]
    assert len(times) > 1
    assert times == sorted(times)


def test_carts_and_contracts_leave_no_destroy_event(shop):
    a_shop = shop()
    for table in ("abandoned_checkouts", "subscription_contracts"):
        number = next(iter(a_shop.world.tables[f"shopify.{table}"]))
        a_shop.world.archive(f"shopify.{table}", number)
    query = '{events(first:9,query:"action:destroy"){nodes{id}}}'
    assert a_shop.data(query)["events"]["nodes"] == []


def test_refunds_are_a_list_that_first_cuts_short(shop):
    a_shop = shop(400)
    refunds = {
        key: order["refunds"] for key, order in a_shop.world.tables["shopify.orders"].items()
    }
    several = next(key for key, held in refunds.items() if len(held) > 1)
    query = "query($id:ID!,$first:Int){order(id:$id){refunds(first:$first){id note createdAt}}}"
    identifier = f"gid://shopify/Order/{several}"
    found = a_shop.data(query, id=identifier)["order"]["refunds"]
    assert [refund["id"].rsplit("/", 1)[-1] for refund in found] == [
        refund["id"] for refund in refunds[several]
    ]
    assert a_shop.data(query, id=identifier, first=1)["order"]["refunds"] == found[:1]


def test_compiled_and_interpreted_answers_are_the_same(shop, tmp_path):
    a_shop = shop()
    app = create_app(a_shop.context, tmp_path)
    server, document = app.state.server, parse(ORDERS)
    runtime = Runtime(a_shop.context, server.bulk, countries=server.countries)
    fast = run(server.schema, ALL_RESOLVERS, document, {}, None, runtime)
    slow = execute_sync(server.schema, document, context_value=runtime)
    assert slow.errors is None
    assert fast.data == slow.data
    assert a_shop.data(ORDERS) == slow.data


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("{customers(first:251){nodes{id}}}", "250"),
        ("{customers{nodes{id}}}", "first or last"),
        ('{customers(first:1,after:"x"){nodes{id}}}', "cursor"),
        ('{customers(first:1,query:"updated_at:>=soon"){nodes{id}}}', "time"),
        ('{customers(first:1,query:"a OR b"){nodes{id}}}', "terms"),
        ('{customers(first:1,query:"total_spent:>3"){nodes{id}}}', "total_spent"),
        ('{abandonedCheckouts(first:1,query:"status:open"){nodes{id}}}', "status"),
    ],
)
def test_what_a_connection_cannot_answer_is_an_error(shop, query, words):
    assert words in shop(40).ask(query)["errors"][0]["message"]


def test_an_unknown_search_field_is_ignored_with_a_warning(shop):
    answer = shop(40).ask('{customers(first:1,query:"shoe_size:42"){nodes{id}}}')
    assert len(answer["data"]["customers"]["nodes"]) == 1
    assert answer["extensions"]["search"][0]["warnings"][0]["field"] == "shoe_size"


def test_a_wrong_token_is_refused_as_the_vendor_does(shop):
    a_shop = shop(40)
    url = f"{a_shop.client.base_url}".rstrip("/") + PATH
    answer = httpx.post(
        url, json={"query": "{shop{name}}"}, headers={"X-Shopify-Access-Token": "x"}
    )
    assert answer.status_code == 401
    assert answer.json()["errors"].startswith("[API] Invalid API key or access token")


def test_cost_is_paid_from_a_bucket_that_refills(shop):
    a_shop = shop(40, tier="tight")
    query = "{customers(first:250){nodes{id defaultAddress{city} amountSpent{amount}}}}"
    answers = [a_shop.ask(query) for _ in range(60)]
    cost = answers[0]["extensions"]["cost"]
    assert 0 < cost["actualQueryCost"] <= cost["requestedQueryCost"]
    assert cost["throttleStatus"]["maximumAvailable"] == 1_000
    refused = [answer for answer in answers if "errors" in answer]
    assert refused
    assert refused[0]["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert refused[0]["extensions"]["cost"]["actualQueryCost"] is None


def test_a_query_beyond_the_single_query_limit_is_refused(shop):
    lines = "lineItems(first:250){nodes{product{id} variant{id} originalUnitPriceSet{shopMoney{amount}}}}"
    answer = shop(40).ask(f"{{orders(first:250){{nodes{{{lines} again:{lines}}}}}}}")
    assert answer["errors"][0]["extensions"]["code"] == "MAX_COST_EXCEEDED"


def test_the_vendors_schema_accepts_what_the_shop_answers(shop, vendor_specs: Path):
    a_shop = shop(40, vendor=vendor_specs)
    assert a_shop.data(ORDERS)["orders"]["nodes"]
    wrong = a_shop.ask("{customers(first:1){nodes{shoeSize}}}")["errors"][0]["message"]
    assert re.search("shoeSize", wrong)


NODES = """query($ids:[ID!]!){nodes(ids:$ids){...on Customer{id legacyResourceId
  defaultEmailAddress{emailAddress}}}}"""


def global_ids(a_shop) -> list[str]:
    return [f"gid://shopify/Customer/{key}" for key, _ in a_shop.world.live("shopify.customers")]


def test_nodes_come_in_the_order_asked_for_with_null_for_the_deleted(shop):
    a_shop = shop()
    first, second, third, *_ = global_ids(a_shop)
    a_shop.world.archive("shopify.customers", second.rpartition("/")[2])
    asked = [third, second, first, "gid://shopify/Customer/1", "gid://shopify/Shoe/1"]
    found = a_shop.data(NODES, ids=asked)["nodes"]
    assert [node and node["id"] for node in found] == [third, None, first, None, None]


@pytest.mark.parametrize(
    ("ids", "code"),
    [
        (["gid://shopify/Customer/1"] * 251, "MAX_INPUT_SIZE_EXCEEDED"),
        (["gid://shopify/Customer/abc"], "INVALID_VARIABLE"),
        (["1"], "INVALID_VARIABLE"),
    ],
)
def test_nodes_are_refused_whole(shop, ids: list[str], code: str):
    a_shop = shop()
    answer = a_shop.ask(NODES, ids=[*ids, *global_ids(a_shop)[:1]])
    assert answer["errors"][0]["extensions"]["code"] == code
    assert not answer["data"]


def test_nodes_cost_by_the_number_of_them_that_there_are(shop):
    a_shop = shop()
    known = global_ids(a_shop)[:3]
    costs = [
        a_shop.ask(NODES, ids=ids)["extensions"]["cost"]
        for ids in (known[:1], known, [*known, "gid://shopify/Customer/1"])
    ]
    one = costs[0]["requestedQueryCost"]
    assert [cost["requestedQueryCost"] for cost in costs] == [one, 3 * one, 4 * one]
    assert [cost["actualQueryCost"] for cost in costs] == [one, 3 * one, 3 * one]
