with source as (

    select * from {{ source('scope', 'state') }}

)

select
    candidate_id,
    opened_at as as_of
from source
