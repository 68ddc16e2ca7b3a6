with submissions as (

    select * from {{ ref('stg_hubspot__feedback_submissions') }}
    where
        {{ in_scope('record:hubspot.feedback_submissions', 'hubspot_feedback_submission_id') }}

),

customer_records as (

    select * from {{ ref('stg_identity__customer_records') }}
    where system = 'hubspot'

)

select
    {{ our_id("'hubspot'", 'submissions.hubspot_feedback_submission_id') }} as survey_answer_id,
    customer_records.customer_id,
    submissions.survey_name,
    lower(submissions.survey_type) as survey_type,
    lower(submissions.survey_channel) as channel,
    submissions.score,
    case
        when upper(submissions.survey_type) <> 'NPS' then null
        when submissions.score between 0 and 6 then 'detractor'
        when submissions.score between 7 and 8 then 'passive'
        when submissions.score between 9 and 10 then 'promoter'
    end as nps_group,
    submissions.comment,
    submissions.submitted_at,
    submissions.is_deleted,
    submissions.source_at as updated_at
from submissions
left join customer_records on submissions.hubspot_contact_id = customer_records.record_id
