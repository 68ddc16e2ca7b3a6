"""What surrounds orders: refunds, carts and subscriptions."""

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
    usual_volume,
)

INTERVALS = ("day", "week", "month", "year")

REFUNDS = Suite(
    name="refunds_belong_to_orders",
    table="core.fct_refunds",
    key=("refund_id",),
    customer="customer_id",
    exempt=DELETED,
    rows_due=False,
    expected=9,
    rules=(
        usual_volume("fct_refunds"),
        present("refund_id", "every refund has an id"),
        unique("refund_id", "a refund is one row"),
        hold(present("order_id", "every refund names its order")),
        hold(
            at_least(
                "amount",
                0,
                "refunds are neither negative nor absurd",
                thresholds.LARGEST_PLAUSIBLE_ORDER,
            )
        ),
        hold(present("currency_code", "every refund has a currency")),
        hold(one_of("currency_code", codes.CURRENCIES, "currencies are ones we trade in")),
        hold(present("refunded_at", "every refund has a date")),
        hold(
            no_rows(
                "select r.refund_id from {batch} r left join core.fct_orders o "
                "on o.order_id = r.order_id where o.order_id is null",
                "the order of a refund exists",
            )
        ),
    ),
)

CARTS = Suite(
    name="carts_are_complete_and_unique",
    table="core.fct_carts",
    key=("cart_id",),
    customer="customer_id",
    exempt=DELETED,
    rows_due=False,
    expected=8,
    rules=(
        usual_volume("fct_carts"),
        present("cart_id", "every cart has an id"),
        unique("cart_id", "a cart is one row"),
        hold(
            at_least(
                "total_amount",
                0,
                "totals are neither negative nor absurd",
                thresholds.LARGEST_PLAUSIBLE_ORDER,
            )
        ),
        hold(one_of("currency_code", codes.CURRENCIES, "currencies are ones we trade in")),
        hold(one_of("status", ("abandoned", "completed"), "a cart is abandoned or completed")),
        hold(present("created_at", "every cart has a date")),
        hold(not_before("completed_at", "created_at", "no cart is bought before it is filled")),
    ),
)

SUBSCRIPTIONS = Suite(
    name="subscriptions_are_complete_and_unique",
    table="core.fct_subscriptions",
    key=("subscription_id",),
    customer="customer_id",
    exempt=DELETED,
    rows_due=False,
    expected=8,
    rules=(
        usual_volume("fct_subscriptions"),
        present("subscription_id", "every subscription has an id"),
        unique("subscription_id", "a subscription is one row"),
        hold(present("status", "every subscription has a state")),
        hold(
            at_least(
                "recurring_amount",
                0,
                "amounts are neither negative nor absurd",
                thresholds.LARGEST_PLAUSIBLE_ORDER,
            )
        ),
        hold(one_of("currency_code", codes.CURRENCIES, "currencies are ones we trade in")),
        hold(
            one_of("billing_interval", ("day", "week", "month", "year"), "intervals are known ones")
        ),
        hold(
            at_least("billing_interval_count", 1, "at least one interval lies between two billings")
        ),
    ),
)
