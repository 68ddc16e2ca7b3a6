{{ config(materialized='view') }}

with source as (

    select * from {{ source('shopify', 'customers') }}
    where {{ is_readable('shopify', 'customers') }}

)

select
    _record_id as shopify_customer_id,
    email_marketing_state,
    email_marketing_updated_at,
    sms_marketing_state,
    sms_marketing_updated_at,
    _is_deleted as is_deleted,
    _source_at as source_at,
    _loaded_at as loaded_at,
    _dlt_load_id as load_id,
    _row_hash as row_hash
from source
