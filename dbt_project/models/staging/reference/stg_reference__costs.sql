with source as (

    select * from {{ source('reference', 'costs') }}
    where {{ in_scope('record:reference.costs', '_record_id') }}
        and {{ is_readable('reference', 'costs') }}

),

versioned as (

    {{ latest_version('source') }}

),

renamed as (

    select
        _record_id as cost_id,
        kind,
        channel,
        campaign_name,
        period_start,
        period_end,
        cast(amount as decimal(18, 2)) as amount,
        currency_code,
        _latest_is_deleted as is_deleted,
        _latest_source_at as source_at,
        _first_loaded_at as first_loaded_at
    from versioned
    where _version_rank = 1

)

select * from renamed
