"""Campaigns, whom they reached, and what was paid."""

from quality import codes, thresholds
from quality.rules import Suite
from quality.suites.phrases import (
    DELETED,
    at_least,
    hold,
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
    key=("campaign_id",),
    exempt=DELETED,
    rows_due=False,
    expected=5,
    rules=(
        usual_volume("dim_campaigns"),
        present("campaign_id", "every campaign has an id"),
        unique("campaign_id", "a campaign is one row"),
        hold(present("campaign_name", "every campaign has a name")),
        present("is_deleted", "every campaign is marked as deleted or not"),
    ),
)

CAMPAIGN_TOUCHES = Suite(
    name="campaign_touches_reach_customers_that_exist",
    table="core.fct_campaign_touches",
    key=("customer_id", "campaign_id"),
    customer="customer_id",
    rows_due=False,
    expected=7,
    rules=(
        usual_volume("fct_campaign_touches"),
        present("customer_id", "every touch names its customer"),
        present("campaign_id", "every touch names its campaign"),
        unique_together(
            ("customer_id", "campaign_id"), "there is one row for each customer and campaign"
        ),
        hold(at_least("open_count", 0, "nobody opened less than never")),
        hold(at_least("click_count", 0, "nobody clicked less than never")),
        hold(
            no_rows(
                "select t.customer_id, t.campaign_id from {batch} t left join core.dim_customers c "
                "on c.customer_id = t.customer_id where c.customer_id is null",
                "the customer of a touch exists",
            )
        ),
    ),
)

COSTS = Suite(
    name="costs_are_complete_and_dated",
    table="core.fct_costs",
    key=("cost_id",),
    exempt=DELETED,
    rows_due=False,
    expected=10,
    rules=(
        usual_volume("fct_costs"),
        present("cost_id", "every cost has an id"),
        unique("cost_id", "a cost is one row"),
        hold(present("kind", "every cost says what was paid for")),
        hold(present("amount", "every cost has an amount")),
        hold(
            at_least(
                "amount",
                0,
                "costs are neither negative nor absurd",
                thresholds.LARGEST_PLAUSIBLE_COST,
            )
        ),
        hold(present("currency_code", "every cost has a currency")),
        hold(one_of("currency_code", codes.CURRENCIES, "currencies are ones we trade in")),
        hold(present("period_start", "every cost has a period")),
        hold(not_before("period_end", "period_start", "no period ends before it begins")),
    ),
)
