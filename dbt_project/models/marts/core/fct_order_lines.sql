with orders as (

    {{ rows_in_scope(ref('stg_shopify__orders'), 'record:shopify.orders', 'shopify_order_id') }}

),

lines as (

    select
        orders.shopify_order_id,
        orders.currency_code,
        {{ json_text('lines.item', 'id') }} as shopify_line_id,
        {{ json_text('lines.item', 'productId') }} as shopify_product_id,
        {{ json_text('lines.item', 'sku') }} as sku,
        cast({{ json_text('lines.item', 'quantity') }} as integer) as quantity,
        cast({{ json_text('lines.item', 'unitPrice') }} as decimal(18, 2)) as unit_price,
        cast(
            {{ json_text('lines.item', 'discountedTotal') }} as decimal(18, 2)
        ) as discounted_amount
    from orders
    cross join lateral (select {{ json_items('orders.line_items') }} as item) as lines

)

select
    {{ our_id("'shopify'", 'shopify_line_id') }} as order_line_id,
    {{ our_id("'shopify'", 'shopify_order_id') }} as order_id,
    {{ our_id("'shopify'", 'shopify_product_id') }} as product_id,
    sku,
    quantity,
    unit_price,
    discounted_amount,
    currency_code
from lines
