with source as (

    select * from {{ source('hubspot', 'feedback_submissions') }}
    where {{ in_scope('record:hubspot.feedback_submissions', '_record_id') }}
        and {{ is_readable('hubspot', 'feedback_submissions') }}

),

versioned as (

    {{ latest_version('source') }}

),

renamed as (

    select
        _record_id as hubspot_feedback_submission_id,
        {{ first_association('associations', 'contacts') }} as hubspot_contact_id,
        hs_survey_name as survey_name,
        hs_survey_type as survey_type,
        hs_survey_channel as survey_channel,
        cast(hs_value as integer) as score,
        hs_content as comment,
        hs_submission_timestamp as submitted_at,
        _latest_is_deleted as is_deleted,
        _latest_source_at as source_at,
        _first_loaded_at as first_loaded_at
    from versioned
    where _version_rank = 1

)

select * from renamed
