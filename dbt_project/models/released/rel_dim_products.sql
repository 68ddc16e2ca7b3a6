with source as (

    select * from {{ source('released', 'dim_products') }}

)

select
    product_id,
    system,
    title,
    vendor,
    product_type,
    status,
    min_price,
    max_price,
    is_deleted,
    updated_at
from source
