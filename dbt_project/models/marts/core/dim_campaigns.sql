with campaigns as (

    select * from {{ ref('stg_klaviyo__campaigns') }}
    where {{ in_scope('record:klaviyo.campaigns', 'klaviyo_campaign_id') }}

)

select
    {{ our_id("'klaviyo'", 'klaviyo_campaign_id') }} as campaign_id,
    'klaviyo' as system,
    campaign_name,
    lower(channel) as channel,
    status,
    send_at,
    created_at,
    is_deleted,
    source_at as updated_at
from campaigns
