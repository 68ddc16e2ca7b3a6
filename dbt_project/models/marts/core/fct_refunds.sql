with orders as (

    select * from {{ ref('stg_shopify__orders') }}
    where
        {{ in_scope('record:shopify.orders', 'shopify_order_id') }}
        and refunds is not null
        and refunds <> '[]'

),

customer_records as (

    select * from {{ ref('stg_identity__customer_records') }}
    where system = 'shopify'

),

refunds as (

    select
        orders.shopify_order_id,
        orders.shopify_customer_id,
        orders.is_deleted,
        orders.source_at,
        {{ json_text('refunds.item', 'id') }} as shopify_refund_id,
        cast({{ json_text('refunds.item', 'createdAt') }} as timestamp with time zone)
            as refunded_at,
        cast({{ json_text('refunds.item', 'amount') }} as decimal(18, 2)) as amount,
        coalesce({{ json_text('refunds.item', 'currencyCode') }}, orders.currency_code)
            as currency_code
    from orders
    cross join lateral (select {{ json_items('orders.refunds') }} as item) as refunds

)

select
    {{ our_id("'shopify'", 'refunds.shopify_refund_id') }} as refund_id,
    {{ our_id("'shopify'", 'refunds.shopify_order_id') }} as order_id,
    customer_records.customer_id,
    refunds.amount,
    refunds.currency_code,
    {{ in_reporting_currency('refunds.amount', 'refunds.currency_code', 'rates.rate') }}
        as amount_reporting,
    {{ reporting_currency() }} as reporting_currency_code,
    refunds.refunded_at,
    refunds.is_deleted,
    refunds.source_at as updated_at
from refunds
left join customer_records on refunds.shopify_customer_id = customer_records.record_id
left join {{ ref('int_exchange_rates_dated') }} as rates
    on refunds.currency_code = rates.currency_code
        and {{ utc_date('refunds.refunded_at') }} = rates.rate_date
