with source as (

    select * from {{ source('released', 'fct_order_lines') }}

)

select
    order_line_id,
    order_id,
    product_id,
    sku,
    quantity,
    unit_price,
    discounted_amount,
    currency_code
from source
