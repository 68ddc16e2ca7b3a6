with source as (

    select * from {{ source('released', 'dim_customer_identities') }}

)

select
    customer_id,
    system,
    record_id,
    email,
    phone_e164,
    first_name,
    last_name,
    is_deleted,
    source_at
from source
