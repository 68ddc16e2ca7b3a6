with source as (

    select * from {{ source('klaviyo', 'profiles') }}
    where {{ in_scope('record:klaviyo.profiles', '_record_id') }}
        and {{ is_readable('klaviyo', 'profiles') }}

),

versioned as (

    {{ latest_version('source') }}

),

renamed as (

    select
        _record_id as klaviyo_profile_id,
        email,
        phone_number as phone,
        external_id,
        first_name,
        last_name,
        organization as company_name,
        address1 as address,
        city,
        zip as postal_code,
        country,
        email_consent,
        email_consent_at,
        email_suppressed as email_suppressions,
        sms_consent,
        sms_consent_at,
        properties,
        created as created_at,
        updated as modified_at,
        last_event_date as last_event_at,
        _latest_is_deleted as is_deleted,
        _latest_source_at as source_at,
        _first_loaded_at as first_loaded_at
    from versioned
    where _version_rank = 1

)

select * from renamed
