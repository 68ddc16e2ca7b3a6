"""The declared suites: sound data passes all of them, and each kind of fault is found."""

from pathlib import Path

import duckdb
import pytest

import quality.runner
from orchestration_assets.warehouse.released_tables import RELEASED_TABLES
from quality.catalog import ALL_SUITES, CORE_SUITES, PAYLOAD_SUITES, blocking, suite_named
from quality.rules import SuiteResult
from quality.thresholds import NO_UPPER_BOUND, figure_parameters, volume_parameters

MODEL = """
create schema core; create schema released; create schema journeys;
create table core.dim_customers as select
    'cus_' || printf('%016x', i) as customer_id, 'p' || i || '@example.org' as email,
    '+3361234' || (1000 + i) as phone_e164, 'Ann' as first_name, 'Lee' as last_name,
    'FR' as country_code, 'EUR' as currency_code, 2 as source_record_count, 1 as system_count,
    1 as order_count, 10.50::decimal(18, 2) as lifetime_value, false as is_deleted,
    timestamp '2026-01-01' as first_order_at, timestamp '2026-01-02' as last_order_at,
    null::varchar as hubspot_contact_id, 's' || i as shopify_customer_id,
    null::varchar as klaviyo_profile_id
from range(100) t(i);
create table core.dim_customer_identities as select
    customer_id, 'shopify' as system, 'r' || row_number() over () as record_id
from core.dim_customers;
create table core.dim_products as select 'shopify:1' as product_id, 'shopify' as system,
    1.00 as min_price, 2.00 as max_price, false as is_deleted;
create table core.fct_orders as select 'o' || customer_id as order_id, customer_id,
    'EUR' as currency_code, 10.50::decimal(18, 2) as total_amount, 0.00 as refunded_amount,
    timestamp '2026-01-01' as ordered_at, false as is_cancelled, false as is_deleted
from core.dim_customers;
create table core.fct_order_lines as select 'l' || order_id as order_line_id, order_id,
    'shopify:1' as product_id, 1 as quantity, 10.50 as unit_price from core.fct_orders;
create table core.fct_consents as select customer_id, unnest(['marketing',
    'customer_relationship']) as purpose, unnest(['email', 'crm']) as channel,
    'granted' as status, true as is_granted, 1 as source_count from core.dim_customers;
create table core.fct_interactions (interaction_id varchar, occurred_at timestamp);
create table core.dim_customer_identities_history as select customer_id, system, record_id,
    timestamp '2026-01-01' as valid_from, null::timestamp as valid_to, true as is_current
from core.dim_customer_identities;
create table core.dim_accounts as select 'hubspot:1' as account_id, 'FR' as country_code,
    7 as employee_count, false as is_deleted;
create table core.fct_consents_history as select *, timestamp '2026-01-01' as valid_from,
    null::timestamp as valid_to, true as is_current from core.fct_consents;
create table core.fct_manual_operations as select 'm' || customer_id as manual_operation_id,
    customer_id, 'phone' as property_name, timestamp '2026-01-01' as changed_at,
    timestamp '2026-01-02' as corrected_at, 'human' as corrected_by from core.dim_customers;
create table core.dim_campaigns as select 'klaviyo:1' as campaign_id, 'Spring' as campaign_name,
    false as is_deleted;
create table core.fct_campaign_touches as select customer_id, 'klaviyo:1' as campaign_id,
    1 as open_count, 0 as click_count from core.dim_customers;
create table core.fct_service_cases as select 't' || customer_id as service_case_id, customer_id,
    timestamp '2026-01-01' as opened_at, false as is_open, 1.5 as hours_to_close,
    false as is_deleted
from core.dim_customers;
create table core.fct_survey_answers as select 'a' || customer_id as survey_answer_id, customer_id, 9 as score,
    'promoter' as nps_group, timestamp '2026-01-01' as submitted_at,
    false as is_deleted from core.dim_customers;
create table core.fct_refunds as select 'r' || order_id as refund_id, order_id, customer_id, 5.00 as amount,
    'EUR' as currency_code, timestamp '2026-01-03' as refunded_at, false as is_deleted from core.fct_orders;
create table core.fct_carts as select 'c' || customer_id as cart_id, customer_id, 20.00 as total_amount,
    'EUR' as currency_code, 'completed' as status, timestamp '2026-01-01' as created_at,
    timestamp '2026-01-02' as completed_at, false as is_deleted from core.dim_customers;
create table core.fct_subscriptions as select 's' || customer_id as subscription_id, customer_id,
    'active' as status, 9.99 as recurring_amount, 'EUR' as currency_code,
    'month' as billing_interval, 1 as billing_interval_count,
    false as is_deleted from core.dim_customers;
create table core.fct_costs as select 'reference:1' as cost_id, 'media' as kind, 100.00 as amount,
    'EUR' as currency_code, date '2026-01-01' as period_start, date '2026-01-31' as period_end,
    false as is_deleted;
create table released.fct_consents as select * from core.fct_consents;
create table journeys.jrn_lapsed_winback_email as select customer_id, email,
    date '2026-01-01' as last_order_date, lifetime_value, currency_code from core.dim_customers;
create table journeys.jrn_abandoned_cart_email as select customer_id, email,
    'c' || customer_id as cart_id, 20.00 as total_amount, currency_code from core.dim_customers;
create table journeys.jrn_customer_value_crm as select customer_id, email as hubspot_email,
    'lapsed' as segment, order_count from core.dim_customers;
"""


def judge(tmp_path: Path, *faults: str) -> dict[str, SuiteResult]:
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(MODEL)
        for fault in faults:
            connection.execute(fault)
    tables = [suite.table.partition(".")[2] for suite in ALL_SUITES]
    figures = {
        "order_total_mean": (100, 10.5),
        "customer_email_share": (100, 0.3),
        "consent_granted_share": (100, 0.5),
        "consent_not_granted_share": (100, 0.5),
    }
    parameters = volume_parameters(tables, {"dim_customers": 100}) | figure_parameters(figures)
    results = quality.runner.run_suites(ALL_SUITES, f"duckdb:///{path}", parameters)
    return {result.suite: result for result in results}


def test_sound_data_passes_every_suite(tmp_path: Path) -> None:
    assert {name: item.reason for name, item in judge(tmp_path).items() if not item.passed} == {}


FAULTS = {
    "orders are worth what they usually are": "update core.fct_orders set total_amount = 4000",
    # Addresses of everybody where 0.3 of them had one.
    "as many customers as usual have an address": "update core.dim_customers set phone_e164 = null",
    "no more consents than usual are granted": "update core.fct_consents set purpose = purpose",
    "the flag and the status of a consent agree": "update core.fct_consents set status = "
    "'withdrawn' where customer_id = 'cus_0000000000000001'",
    "a customer is one row": "insert into core.dim_customers "
    "select * from core.dim_customers limit 1",
    "the customer of an order exists": "update core.fct_orders set customer_id = 'nobody' "
    "where order_id = 'ocus_0000000000000001'",
    "totals are neither negative nor absurd": "update core.fct_orders set total_amount = -1",
    "currencies are ones we trade in": "update core.fct_orders set currency_code = 'EURO'",
    "e-mail addresses are well formed": "update core.dim_customers set email = 'no address'",
    "countries are ISO codes": "update core.dim_customers set country_code = 'France'",
    "every customer in the payload granted marketing by email": "delete from "
    "released.fct_consents where purpose = 'marketing' "
    "and customer_id = 'cus_0000000000000001'",
    "every customer in the payload granted customer_relationship by crm": "update "
    "released.fct_consents set is_granted = false where channel = 'crm'",
    "nobody is reminded of another's cart": "update journeys.jrn_abandoned_cart_email set "
    "cart_id = 'one'",
    "of one customer, purpose and channel at most one period is current": "insert into "
    "core.fct_consents_history select * replace (timestamp '2026-02-01' as valid_from) "
    "from core.fct_consents_history limit 1",
    "a record belongs to at most one customer now": "insert into "
    "core.dim_customer_identities_history select * replace (timestamp '2026-02-01' as valid_from) "
    "from core.dim_customer_identities_history limit 1",
    "nothing is corrected before it is changed": "update core.fct_manual_operations set "
    "corrected_at = timestamp '2025-01-01'",
    "there is one row for each customer and campaign": "insert into core.fct_campaign_touches "
    "select * from core.fct_campaign_touches limit 1",
    "no case is closed before it is opened": "update core.fct_service_cases set hours_to_close = -1",
    "scores lie between 0 and 10": "update core.fct_survey_answers set score = 11",
    "the order of a refund exists": "delete from core.fct_orders where order_id like '%1'",
    "no cart is bought before it is filled": "update core.fct_carts set completed_at = "
    "timestamp '2025-12-31'",
    "amounts are neither negative nor absurd": "update core.fct_subscriptions set "
    "recurring_amount = -1",
    "no period ends before it begins": "update core.fct_costs set period_end = date '2025-01-01'",
    "nobody employs fewer than none": "update core.dim_accounts set employee_count = -1",
    "the table is about as large as in the last release": "delete from core.dim_customers "
    "where customer_id > 'cus_0000000000000010'",
}


def test_each_kind_of_fault_is_found(tmp_path: Path) -> None:
    results = judge(tmp_path, *FAULTS.values())
    broken = {failure.rule for item in results.values() for failure in item.failures}
    assert set(FAULTS) - broken == set()


def test_every_suite_names_a_property_and_counts_its_rules() -> None:
    names = [suite.name for suite in ALL_SUITES]
    assert len(set(names)) == len(names)
    for suite in ALL_SUITES:
        assert suite.expected == len(suite.rules), suite.name
        assert len({rule.words for rule in suite.rules}) == len(suite.rules), suite.name
    assert {suite.table.partition(".")[2] for suite in CORE_SUITES} == set(RELEASED_TABLES)
    assert {suite.table for suite in PAYLOAD_SUITES.values()} == {
        f"journeys.{name}" for name in PAYLOAD_SUITES
    }
    assert set(blocking(CORE_SUITES)) <= set(names)


def test_most_rules_are_built_in_ones() -> None:
    rules = [rule for suite in ALL_SUITES for rule in suite.rules]
    own = [rule for rule in rules if rule.expectation == "UnexpectedRowsExpectation"]
    assert len(own) * 5 <= len(rules)


def test_a_suite_is_found_by_its_name() -> None:
    assert suite_named("consents_are_unambiguous").table == "core.fct_consents"
    with pytest.raises(KeyError, match="Known suites"):
        suite_named("nothing")


def test_volume_has_no_bound_before_the_first_release() -> None:
    bounds = volume_parameters(["dim_customers", "fct_orders"], {"fct_orders": 1_000})
    assert bounds == {
        "dim_customers_rows_min": 0,
        "dim_customers_rows_max": NO_UPPER_BOUND,
        "fct_orders_rows_min": 750,
        "fct_orders_rows_max": 55_000,
    }
