with source as (

    select * from {{ source('released', 'dim_accounts') }}

)

select
    account_id,
    system,
    account_name,
    domain,
    industry,
    city,
    country_code,
    employee_count,
    created_at,
    is_deleted,
    updated_at
from source
