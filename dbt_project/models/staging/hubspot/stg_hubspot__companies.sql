with source as (

    select * from {{ source('hubspot', 'companies') }}
    where {{ in_scope('record:hubspot.companies', '_record_id') }}
        and {{ is_readable('hubspot', 'companies') }}

),

versioned as (

    {{ latest_version('source') }}

),

renamed as (

    select
        _record_id as hubspot_company_id,
        name as company_name,
        domain,
        industry,
        city,
        country,
        cast(numberofemployees as bigint) as employee_count,
        cast(annualrevenue as decimal(18, 2)) as annual_revenue,
        createdate as created_at,
        hs_lastmodifieddate as modified_at,
        _latest_is_deleted as is_deleted,
        _latest_source_at as source_at,
        _first_loaded_at as first_loaded_at
    from versioned
    where _version_rank = 1

)

select * from renamed
