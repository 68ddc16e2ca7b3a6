with source as (

    select * from {{ source('shopify', 'products') }}
    where {{ in_scope('record:shopify.products', '_record_id') }}
        and {{ is_readable('shopify', 'products') }}

),

versioned as (

    {{ latest_version('source') }}

),

renamed as (

    select
        _record_id as shopify_product_id,
        title,
        handle,
        vendor,
        product_type,
        status,
        variants,
        created_at,
        updated_at as modified_at,
        _latest_is_deleted as is_deleted,
        _latest_source_at as source_at,
        _first_loaded_at as first_loaded_at
    from versioned
    where _version_rank = 1

)

select * from renamed
