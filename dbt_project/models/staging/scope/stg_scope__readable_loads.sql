with source as (

    select * from {{ source('scope', 'readable_loads') }}

)

select
    load_id,
    system,
    stream
from source
