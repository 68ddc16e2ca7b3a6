with orders as (

    {{ rows_in_scope(ref('stg_shopify__orders'), 'record:shopify.orders', 'shopify_order_id') }}

),

customer_records as (

    select * from {{ ref('stg_identity__customer_records') }}
    where system = 'shopify'

),

joined as (

    select
        {{ our_id("'shopify'", 'orders.shopify_order_id') }} as order_id,
        customer_records.customer_id,
        orders.order_name,
        orders.currency_code,
        orders.total_amount,
        orders.subtotal_amount,
        orders.tax_amount,
        orders.shipping_amount,
        orders.discount_amount,
        orders.refunded_amount,
        -- The total already leaves out what was returned, but not money given back for the whole.
        case
            when orders.cancelled_at is not null or orders.is_deleted then 0
            when orders.financial_status in ('REFUNDED', 'VOIDED', 'EXPIRED') then 0
            else coalesce(orders.total_amount, 0)
        end as net_amount,
        orders.financial_status,
        orders.fulfillment_status,
        orders.cancelled_at is not null as is_cancelled,
        orders.is_deleted,
        coalesce(orders.processed_at, orders.created_at) as ordered_at,
        orders.source_at as updated_at,
        rates.rate
    from orders
    left join customer_records on orders.shopify_customer_id = customer_records.record_id
    left join {{ ref('int_exchange_rates_dated') }} as rates
        on orders.currency_code = rates.currency_code
            and {{ utc_date('coalesce(orders.processed_at, orders.created_at)') }} = rates.rate_date

)

select
    order_id,
    customer_id,
    order_name,
    currency_code,
    total_amount,
    subtotal_amount,
    tax_amount,
    shipping_amount,
    discount_amount,
    refunded_amount,
    cast(net_amount as decimal(18, 2)) as net_amount,
    {{ in_reporting_currency('total_amount', 'currency_code', 'rate') }} as total_amount_reporting,
    {{ in_reporting_currency('discount_amount', 'currency_code', 'rate') }}
        as discount_amount_reporting,
    {{ in_reporting_currency('refunded_amount', 'currency_code', 'rate') }}
        as refunded_amount_reporting,
    {{ in_reporting_currency('net_amount', 'currency_code', 'rate') }} as net_amount_reporting,
    {{ reporting_currency() }} as reporting_currency_code,
    financial_status,
    fulfillment_status,
    is_cancelled,
    is_deleted,
    ordered_at,
    updated_at
from joined
