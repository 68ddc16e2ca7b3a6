with source as (

    select * from {{ source('released', 'fct_campaign_touches') }}

)

select
    customer_id,
    campaign_id,
    received_at,
    opened_at,
    clicked_at,
    open_count,
    click_count,
    updated_at
from source
