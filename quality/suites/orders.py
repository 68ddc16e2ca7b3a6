"""What customers do: orders, their lines and products, and interactions."""

from quality import codes, thresholds
from quality.rules import Suite
from quality.suites.phrases import (
    DELETED,
    at_least,
    hold,
    no_rows,
    one_of,
    present,
    unique,
    usual_mean,
    usual_volume,
)

ORDERS = Suite(
    name="orders_are_complete_and_valued",
    table="core.fct_orders",
    key=("order_id",),
    customer="customer_id",
    exempt=DELETED,
    expected=13,
    rules=(
        usual_volume("fct_orders"),
        present("order_id", "every order has an id"),
        unique("order_id", "an order is one row"),
        present("customer_id", "most orders have a customer", thresholds.ORDER_CUSTOMER_SHARE),
        hold(present("currency_code", "every order has a currency")),
        hold(one_of("currency_code", codes.CURRENCIES, "currencies are ones we trade in")),
        hold(present("total_amount", "every order has a total")),
        hold(
            at_least(
                "total_amount",
                0,
                "totals are neither negative nor absurd",
                thresholds.LARGEST_PLAUSIBLE_ORDER,
            )
        ),
        hold(at_least("refunded_amount", 0, "refunds are not negative")),
        hold(present("ordered_at", "every order has a date")),
        usual_mean("total_amount", "order_total_mean", "orders are worth what they usually are"),
        present("is_cancelled", "every order is marked as cancelled or not"),
        hold(
            no_rows(
                "select o.order_id from {batch} o left join core.dim_customers c "
                "on c.customer_id = o.customer_id "
                "where o.customer_id is not null and c.customer_id is null",
                "the customer of an order exists",
            )
        ),
    ),
)

ORDER_LINES = Suite(
    name="order_lines_belong_to_orders",
    table="core.fct_order_lines",
    key=("order_line_id",),
    expected=9,
    rules=(
        usual_volume("fct_order_lines"),
        present("order_line_id", "every order line has an id"),
        unique("order_line_id", "an order line is one row"),
        hold(present("order_id", "every order line names its order")),
        present("product_id", "most lines name a product", thresholds.LINE_PRODUCT_SHARE),
        hold(present("quantity", "every line has a quantity")),
        hold(at_least("quantity", 0, "quantities are not negative")),
        hold(at_least("unit_price", 0, "prices are not negative")),
        hold(
            no_rows(
                "select l.order_line_id from {batch} l left join core.fct_orders o "
                "on o.order_id = l.order_id where o.order_id is null",
                "the order of a line exists",
            )
        ),
    ),
)

PRODUCTS = Suite(
    name="products_are_complete_and_unique",
    table="core.dim_products",
    key=("product_id",),
    exempt=DELETED,
    expected=7,
    rules=(
        usual_volume("dim_products"),
        present("product_id", "every product has an id"),
        unique("product_id", "a product is one row"),
        present("system", "every product names its system"),
        hold(at_least("min_price", 0, "prices are not negative")),
        hold(at_least("max_price", 0, "highest prices are not negative")),
        present("is_deleted", "every product is marked as deleted or not"),
    ),
)

INTERACTIONS = Suite(
    name="interactions_are_complete_and_unique",
    table="core.fct_interactions",
    key=("interaction_id",),
    customer="customer_id",
    rows_due=False,
    expected=4,
    rules=(
        usual_volume("fct_interactions"),
        present("interaction_id", "every interaction has an id"),
        unique("interaction_id", "an interaction is one row"),
        hold(present("occurred_at", "every interaction has a time")),
    ),
)
