with source as (

    select * from {{ source('scope', 'customers') }}

)

select customer_id
from source
