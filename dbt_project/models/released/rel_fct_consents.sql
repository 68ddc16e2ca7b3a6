with source as (

    select * from {{ source('released', 'fct_consents') }}

)

select
    customer_id,
    purpose,
    channel,
    status,
    is_granted,
    decided_at,
    deciding_system,
    source_count
from source
