"""What surrounds orders: refunds, carts and subscriptions."""

from quality import codes, thresholds
from quality.rules import Suite
from quality.suites.phrases import (
    at_least,
    no_rows,
    not_before,
    one_of,
    present,
    unique,
    usual_volume,
)

REFUNDS = Suite(
    name="refunds_belong_to_orders",
    table="core.fct_refunds",
    rows_due=False,
    expected=9,
    rules=(
        usual_volume("fct_refunds"),
        present("refund_id", "every refund has an id"),
        unique("refund_id", "a refund is one row"),
        present("order_id", "every refund names its order"),
        at_least(
            "amount",
            0,
            "refunds are neither negative nor absurd",
            thresholds.LARGEST_PLAUSIBLE_ORDER,
        ),
        present("currency_code", "every refund has a currency"),
        one_of("currency_code", codes.CURRENCIES, "currencies are ones we trade in"),
        present("refunded_at", "every refund has a date"),
        no_rows(
            "select r.refund_id from {batch} r left join core.fct_orders o "
            "on o.order_id = r.order_id where o.order_id is null",
            "the order of a refund exists",
        ),
    ),
)

CARTS = Suite(
    name="carts_are_complete_and_unique",
    table="core.fct_carts",
    rows_due=False,
    expected=8,
    rules=(
        usual_volume("fct_carts"),
        present("cart_id", "every cart has an id"),
        unique("cart_id", "a cart is one row"),
        at_least(
            "total_amount",
            0,
            "totals are neither negative nor absurd",
            thresholds.LARGEST_PLAUSIBLE_ORDER,
        ),
        one_of("currency_code", codes.CURRENCIES, "currencies are ones we trade in"),
        one_of("status", ("abandoned", "completed"), "a cart is abandoned or completed"),
        present("created_at", "every cart has a date"),
        not_before("completed_at", "created_at", "no cart is bought before it is filled"),
    ),
)

SUBSCRIPTIONS = Suite(
    name="subscriptions_are_complete_and_unique",
    table="core.fct_subscriptions",
    rows_due=False,
    expected=8,
    rules=(
        usual_volume("fct_subscriptions"),
        present("subscription_id", "every subscription has an id"),
        unique("subscription_id", "a subscription is one row"),
        present("status", "every subscription has a state"),
        at_least(
            "recurring_amount",
            0,
            "amounts are neither negative nor absurd",
            thresholds.LARGEST_PLAUSIBLE_ORDER,
        ),
        one_of("currency_code", codes.CURRENCIES, "currencies are ones we trade in"),
        one_of("billing_interval", ("day", "week", "month", "year"), "intervals are known ones"),
        at_least("billing_interval_count", 1, "at least one interval lies between two billings"),
    ),
)
