with source as (

    select * from {{ source('scope', 'records') }}

)

select
    system,
    stream,
    record_id
from source
