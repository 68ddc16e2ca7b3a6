{{ config(materialized='view') }}

with source as (

    select * from {{ source('klaviyo', 'profiles') }}
    where {{ is_held('klaviyo', 'profiles') }}

),

versioned as (

    {{ latest_version('source') }}

)

select
    _record_id as klaviyo_profile_id,
    email,
    email_consent,
    email_consent_at,
    email_suppressed as email_suppressions,
    sms_consent,
    sms_consent_at,
    _latest_source_at as source_at
from versioned
where _version_rank = 1
