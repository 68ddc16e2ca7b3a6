with source as (

    select * from {{ source('released', 'fct_survey_answers') }}

)

select
    survey_answer_id,
    customer_id,
    survey_name,
    survey_type,
    channel,
    score,
    nps_group,
    comment,
    submitted_at,
    is_deleted,
    updated_at
from source
