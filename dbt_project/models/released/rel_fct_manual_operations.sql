with source as (

    select * from {{ source('released', 'fct_manual_operations') }}

)

select
    manual_operation_id,
    customer_id,
    system,
    hubspot_contact_id,
    property_name,
    crm_user_id,
    changed_at,
    is_first_value,
    was_corrected,
    corrected_at,
    corrected_by,
    updated_at
from source
