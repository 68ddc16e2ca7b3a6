with source as (

    select * from {{ source('released', 'fct_orders') }}

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
    net_amount,
    total_amount_reporting,
    discount_amount_reporting,
    refunded_amount_reporting,
    net_amount_reporting,
    reporting_currency_code,
    financial_status,
    fulfillment_status,
    is_cancelled,
    is_deleted,
    ordered_at,
    updated_at
from source
