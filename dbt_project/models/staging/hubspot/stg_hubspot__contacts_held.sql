{{ config(materialized='view') }}

with source as (

    select * from {{ source('hubspot', 'contacts') }}
    where {{ is_held('hubspot', 'contacts') }}

),

versioned as (

    {{ latest_version('source') }}

)

select
    _record_id as hubspot_contact_id,
    email,
    hs_email_optout as is_opted_out_of_email,
    _latest_source_at as source_at
from versioned
where _version_rank = 1
