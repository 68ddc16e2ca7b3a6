with source as (

    select * from {{ source('identity', 'history') }}

),

renamed as (

    select
        system,
        record_id,
        customer_id_before,
        customer_id_after,
        changed_at,
        kind as change_kind,
        reason as change_reason
    from source

)

select * from renamed
