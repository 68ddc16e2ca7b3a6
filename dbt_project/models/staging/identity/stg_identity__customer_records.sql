with source as (

    select * from {{ source('identity', 'customer_records') }}

),

renamed as (

    select
        customer_id,
        system,
        record_id,
        email,
        phone_e164,
        first_loaded_at,
        linked_by
    from source

)

select * from renamed
