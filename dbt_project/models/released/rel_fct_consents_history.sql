with source as (

    select * from {{ source('released', 'fct_consents_history') }}

)

select
    customer_id,
    purpose,
    channel,
    status,
    is_granted,
    valid_from,
    valid_to,
    is_current,
    updated_at
from source
