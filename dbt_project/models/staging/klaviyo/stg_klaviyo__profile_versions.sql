{{ config(materialized='view') }}

with source as (

    select * from {{ source('klaviyo', 'profiles') }}
    where {{ is_readable('klaviyo', 'profiles') }}

)

select
    _record_id as klaviyo_profile_id,
    email_consent,
    email_consent_at,
    email_suppressed as email_suppressions,
    sms_consent,
    sms_consent_at,
    _is_deleted as is_deleted,
    _source_at as source_at,
    _loaded_at as loaded_at,
    _dlt_load_id as load_id,
    _row_hash as row_hash
from source
