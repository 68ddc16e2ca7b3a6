with source as (

    select * from {{ source('released', 'fct_interactions') }}

)

select
    interaction_id,
    customer_id,
    system,
    kind,
    action,
    metric_name,
    service_case_id,
    occurred_at,
    updated_at
from source
