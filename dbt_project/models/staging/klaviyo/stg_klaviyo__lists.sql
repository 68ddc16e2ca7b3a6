with source as (

    select * from {{ source('klaviyo', 'lists') }}
    where {{ in_scope('record:klaviyo.lists', '_record_id') }}
        and {{ is_readable('klaviyo', 'lists') }}

),

versioned as (

    {{ latest_version('source') }}

),

renamed as (

    select
        _record_id as klaviyo_list_id,
        name as list_name,
        created as created_at,
        updated as modified_at,
        _latest_is_deleted as is_deleted,
        _latest_source_at as source_at,
        _first_loaded_at as first_loaded_at
    from versioned
    where _version_rank = 1

)

select * from renamed
