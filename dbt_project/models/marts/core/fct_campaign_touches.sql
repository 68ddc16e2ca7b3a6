with customer_records as (

    select * from {{ ref('stg_identity__customer_records') }}
    where
        system = 'klaviyo'
        and {{ in_scope('customers', 'customer_id') }}

),

events as (

    select * from {{ ref('stg_klaviyo__events') }}
    where klaviyo_campaign_id is not null and not is_deleted

),

touches as (

    select
        customer_records.customer_id,
        events.klaviyo_campaign_id,
        events.occurred_at,
        events.source_at,
        {{ interaction_action('events.metric_name') }} as action
    from customer_records
    inner join events on customer_records.record_id = events.klaviyo_profile_id

)

select
    customer_id,
    {{ our_id("'klaviyo'", 'klaviyo_campaign_id') }} as campaign_id,
    min(case when action = 'received' then occurred_at end) as received_at,
    min(case when action = 'opened' then occurred_at end) as opened_at,
    min(case when action = 'clicked' then occurred_at end) as clicked_at,
    cast(sum(case when action = 'opened' then 1 else 0 end) as integer) as open_count,
    cast(sum(case when action = 'clicked' then 1 else 0 end) as integer) as click_count,
    max(source_at) as updated_at
from touches
where action in ('received', 'opened', 'clicked')
group by customer_id, klaviyo_campaign_id
