with events as (

    select * from {{ ref('stg_klaviyo__events') }}
    where
        not is_deleted
        and {{ in_scope('record:klaviyo.events', 'klaviyo_event_id') }}

),

tickets as (

    select * from {{ ref('stg_hubspot__tickets') }}
    where
        not is_deleted
        and {{ in_scope('record:hubspot.tickets', 'hubspot_ticket_id') }}

),

customer_records as (

    select * from {{ ref('stg_identity__customer_records') }}

),

marketing_and_web as (

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
        cast(null as text) as service_case_id,
        events.occurred_at,
        events.source_at as updated_at
    from events
    left join customer_records
        on events.klaviyo_profile_id = customer_records.record_id
            and customer_records.system = 'klaviyo'

),

service as (

    select
        {{ our_id("'hubspot'", 'tickets.hubspot_ticket_id') }} as interaction_id,
        customer_records.customer_id,
        'hubspot' as system,
        'service' as kind,
        'contacted_service' as action,
        coalesce(lower(tickets.source_type), 'unknown') as metric_name,
        {{ our_id("'hubspot'", 'tickets.hubspot_ticket_id') }} as service_case_id,
        tickets.created_at as occurred_at,
        tickets.source_at as updated_at
    from tickets
    left join customer_records
        on tickets.hubspot_contact_id = customer_records.record_id
            and customer_records.system = 'hubspot'

),

unioned as (

    select * from marketing_and_web
    union all
    select * from service

)

select
    interaction_id,
    customer_id,
    system,
    kind,
    action,
    metric_name,
    service_case_id,
    occurred_at,
    updated_at
from unioned
