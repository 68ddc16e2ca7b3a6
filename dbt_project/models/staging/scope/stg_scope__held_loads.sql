with source as (

    select * from {{ source('scope', 'held_loads') }}

)

select
    load_id,
    system,
    stream
from source
