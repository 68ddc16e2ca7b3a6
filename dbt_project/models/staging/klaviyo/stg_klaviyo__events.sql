with source as (

    {{ rows_in_scope(
        source('klaviyo', 'events'), 'record:klaviyo.events', '_record_id', is_readable('klaviyo', 'events')
    ) }}

),

versioned as (

    {{ latest_version('source') }}

),

renamed as (

    select
        _record_id as klaviyo_event_id,
        profile_id as klaviyo_profile_id,
        metric_id as klaviyo_metric_id,
        metric_name,
        datetime as occurred_at,
        case
            when {{ json_value('event_properties', '$flow') }} is null
                then {{ json_value('event_properties', '$message') }}
        end as klaviyo_campaign_id,
        {{ json_value('event_properties', '$message') }} as klaviyo_message_id,
        event_properties,
        _latest_is_deleted as is_deleted,
        _latest_source_at as source_at,
        _first_loaded_at as first_loaded_at
    from versioned
    where _version_rank = 1

)

select * from renamed
