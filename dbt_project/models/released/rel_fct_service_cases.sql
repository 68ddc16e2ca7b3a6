with source as (

    select * from {{ source('released', 'fct_service_cases') }}

)

select
    service_case_id,
    customer_id,
    account_id,
    channel,
    category,
    priority,
    pipeline,
    pipeline_stage,
    is_open,
    opened_at,
    closed_at,
    hours_to_close,
    is_deleted,
    updated_at
from source
