with customer_records as (

    select * from {{ ref('int_customer_records_joined') }}
    where {{ in_scope('customers', 'customer_id') }}

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
from customer_records
