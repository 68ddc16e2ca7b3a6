with source as (

    select * from {{ source('reference', 'exchange_rates') }}
    where {{ in_scope('record:reference.exchange_rates', '_record_id') }}
        and {{ is_readable('reference', 'exchange_rates') }}

),

versioned as (

    {{ latest_version('source') }}

),

renamed as (

    select
        _record_id as rate_id,
        from_currency,
        to_currency,
        rate_date,
        cast(rate as decimal(18, 8)) as rate,
        _latest_is_deleted as is_deleted,
        _latest_source_at as source_at,
        _first_loaded_at as first_loaded_at
    from versioned
    where _version_rank = 1

)

select * from renamed
