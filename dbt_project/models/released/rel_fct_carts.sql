with source as (

    select * from {{ source('released', 'fct_carts') }}

)

select
    cart_id,
    customer_id,
    cart_name,
    currency_code,
    total_amount,
    subtotal_amount,
    total_amount_reporting,
    reporting_currency_code,
    status,
    is_recovered,
    created_at,
    completed_at,
    is_deleted,
    updated_at
from source
