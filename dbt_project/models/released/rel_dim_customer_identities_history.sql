with source as (

    select * from {{ source('released', 'dim_customer_identities_history') }}

)

select
    customer_id,
    system,
    record_id,
    valid_from,
    valid_to,
    is_current,
    change_kind,
    change_reason,
    updated_at
from source
