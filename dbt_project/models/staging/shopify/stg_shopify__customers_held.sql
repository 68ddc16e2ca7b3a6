{{ config(materialized='view') }}

with source as (

    select * from {{ source('shopify', 'customers') }}
    where {{ is_held('shopify', 'customers') }}

),

versioned as (

    {{ latest_version('source') }}

)

select
    _record_id as shopify_customer_id,
    email,
    email_marketing_state,
    email_marketing_updated_at,
    sms_marketing_state,
    sms_marketing_updated_at,
    _latest_source_at as source_at
from versioned
where _version_rank = 1
