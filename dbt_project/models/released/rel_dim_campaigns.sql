with source as (

    select * from {{ source('released', 'dim_campaigns') }}

)

select
    campaign_id,
    system,
    campaign_name,
    channel,
    status,
    send_at,
    created_at,
    is_deleted,
    updated_at
from source
