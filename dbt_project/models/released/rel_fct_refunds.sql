with source as (

    select * from {{ source('released', 'fct_refunds') }}

)

select
    refund_id,
    order_id,
    customer_id,
    amount,
    currency_code,
    amount_reporting,
    reporting_currency_code,
    refunded_at,
    is_deleted,
    updated_at
from source
