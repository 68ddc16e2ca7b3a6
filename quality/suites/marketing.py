"""Campaigns, whom they reached, and what was paid."""

from quality import codes, thresholds
from quality.rules import Suite
from quality.suites.phrases import (
    at_least,
    no_rows,
    not_before,
    one_of,
    present,
    unique,
    unique_together,
    usual_volume,
)

CAMPAIGNS = Suite(
    name="campaigns_are_complete_and_unique",
    table="core.dim_campaigns",
    rows_due=False,
    expected=5,
    rules=(
        usual_volume("dim_campaigns"),
        present("campaign_id", "every campaign has an id"),
        unique("campaign_id", "a campaign is one row"),
        present("campaign_name", "every campaign has a name"),
        present("is_deleted", "every campaign is marked as deleted or not"),
    ),
)

CAMPAIGN_TOUCHES = Suite(
    name="campaign_touches_reach_customers_that_exist",
    table="core.fct_campaign_touches",
    rows_due=False,
    expected=7,
    rules=(
        usual_volume("fct_campaign_touches"),
        present("customer_id", "every touch names its customer"),
        present("campaign_id", "every touch names its campaign"),
        unique_together(
            ("customer_id", "campaign_id"), "there is one row for each customer and campaign"
        ),
        at_least("open_count", 0, "nobody opened less than never"),
        at_least("click_count", 0, "nobody clicked less than never"),
        no_rows(
            "select t.customer_id from {batch} t left join core.dim_customers c "
            "on c.customer_id = t.customer_id where c.customer_id is null",
            "the customer of a touch exists",
        ),
    ),
)

COSTS = Suite(
    name="costs_are_complete_and_dated",
    table="core.fct_costs",
    rows_due=False,
    expected=10,
    rules=(
        usual_volume("fct_costs"),
        present("cost_id", "every cost has an id"),
        unique("cost_id", "a cost is one row"),
        present("kind", "every cost says what was paid for"),
        present("amount", "every cost has an amount"),
        at_least(
            "amount", 0, "costs are neither negative nor absurd", thresholds.LARGEST_PLAUSIBLE_COST
        ),
        present("currency_code", "every cost has a currency"),
        one_of("currency_code", codes.CURRENCIES, "currencies are ones we trade in"),
        present("period_start", "every cost has a period"),
        not_before("period_end", "period_start", "no period ends before it begins"),
    ),
)
