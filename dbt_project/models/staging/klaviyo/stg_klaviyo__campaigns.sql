with source as (

    select * from {{ source('klaviyo', 'campaigns') }}
    where {{ in_scope('record:klaviyo.campaigns', '_record_id') }}
        and {{ is_readable('klaviyo', 'campaigns') }}

),

versioned as (

    {{ latest_version('source') }}

),

renamed as (

    select
        _record_id as klaviyo_campaign_id,
        name as campaign_name,
        status,
        channel,
        send_time as send_at,
        created_at,
        updated_at as modified_at,
        _latest_is_deleted as is_deleted,
        _latest_source_at as source_at,
        _first_loaded_at as first_loaded_at
    from versioned
    where _version_rank = 1

)

select * from renamed
