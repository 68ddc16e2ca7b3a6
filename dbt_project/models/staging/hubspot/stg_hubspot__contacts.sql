with source as (

    select * from {{ source('hubspot', 'contacts') }}
    where {{ in_scope('record:hubspot.contacts', '_record_id') }}
        and {{ is_readable('hubspot', 'contacts') }}

),

versioned as (

    {{ latest_version('source') }}

),

renamed as (

    select
        _record_id as hubspot_contact_id,
        email,
        firstname as first_name,
        lastname as last_name,
        phone,
        mobilephone as mobile_phone,
        company as company_name,
        jobtitle as job_title,
        address,
        city,
        zip as postal_code,
        country,
        lifecyclestage as lifecycle_stage,
        hs_email_optout as is_opted_out_of_email,
        hs_legal_basis as legal_basis,
        shopify_customer_id,
        associatedcompanyid as hubspot_company_id,
        createdate as created_at,
        lastmodifieddate as modified_at,
        properties_with_history,
        _latest_is_deleted as is_deleted,
        _latest_source_at as source_at,
        _first_loaded_at as first_loaded_at
    from versioned
    where _version_rank = 1

)

select * from renamed
