with events as (

    select * from {{ ref('stg_klaviyo__events') }}
    where
        not is_deleted
        and {{ in_scope('record:klaviyo.events', 'klaviyo_event_id') }}

),

customer_records as (

    select * from {{ ref('stg_identity__customer_records') }}
    where system = 'klaviyo'

),

joined as (

    select
        {{ our_id("'klaviyo'", 'events.klaviyo_event_id') }} as interaction_id,
        customer_records.customer_id,
        'klaviyo' as system,
        case
            when events.metric_name like '%Email%' then 'email'
            when events.metric_name like '%SMS%' then 'sms'
            when events.metric_name like '%Order%' or events.metric_name like '%Checkout%'
                then 'commerce'
            when events.metric_name like '%Site%' or events.metric_name like '%Product%'
                then 'web'
            else 'other'
        end as kind,
        {{ interaction_action('events.metric_name') }} as action,
        events.metric_name,
        events.occurred_at
    from events
    left join customer_records on events.klaviyo_profile_id = customer_records.record_id

)

select
    interaction_id,
    customer_id,
    system,
    kind,
    action,
    metric_name,
    occurred_at
from joined
