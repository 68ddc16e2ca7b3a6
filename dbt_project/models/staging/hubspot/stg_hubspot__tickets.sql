with source as (

    select * from {{ source('hubspot', 'tickets') }}
    where {{ in_scope('record:hubspot.tickets', '_record_id') }}
        and {{ is_readable('hubspot', 'tickets') }}

),

versioned as (

    {{ latest_version('source') }}

),

renamed as (

    select
        _record_id as hubspot_ticket_id,
        {{ first_association('associations', 'contacts') }} as hubspot_contact_id,
        {{ first_association('associations', 'companies') }} as hubspot_company_id,
        subject,
        hs_pipeline as pipeline,
        hs_pipeline_stage as pipeline_stage,
        hs_ticket_priority as priority,
        hs_ticket_category as category,
        source_type,
        createdate as created_at,
        closed_date as closed_at,
        hs_lastmodifieddate as modified_at,
        _latest_is_deleted as is_deleted,
        _latest_source_at as source_at,
        _first_loaded_at as first_loaded_at
    from versioned
    where _version_rank = 1

)

select * from renamed
