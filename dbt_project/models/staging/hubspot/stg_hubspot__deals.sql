with source as (

    select * from {{ source('hubspot', 'deals') }}
    where {{ in_scope('record:hubspot.deals', '_record_id') }}
        and {{ is_readable('hubspot', 'deals') }}

),

versioned as (

    {{ latest_version('source') }}

),

renamed as (

    select
        _record_id as hubspot_deal_id,
        dealname as deal_name,
        cast(amount as decimal(18, 2)) as amount,
        deal_currency_code as currency_code,
        dealstage as deal_stage,
        pipeline,
        closedate as closed_at,
        createdate as created_at,
        hs_lastmodifieddate as modified_at,
        associations,
        _latest_is_deleted as is_deleted,
        _latest_source_at as source_at,
        _first_loaded_at as first_loaded_at
    from versioned
    where _version_rank = 1

)

select * from renamed
