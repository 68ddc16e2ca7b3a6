with source as (

    select * from {{ source('shopify', 'abandoned_checkouts') }}
    where {{ in_scope('record:shopify.abandoned_checkouts', '_record_id') }}
        and {{ is_readable('shopify', 'abandoned_checkouts') }}

),

versioned as (

    {{ latest_version('source') }}

),

renamed as (

    select
        _record_id as shopify_checkout_id,
        customer_id as shopify_customer_id,
        name as checkout_name,
        currency_code,
        cast(total_price as decimal(18, 2)) as total_amount,
        cast(subtotal_price as decimal(18, 2)) as subtotal_amount,
        line_items,
        created_at,
        completed_at,
        updated_at as modified_at,
        _latest_is_deleted as is_deleted,
        _latest_source_at as source_at,
        _first_loaded_at as first_loaded_at
    from versioned
    where _version_rank = 1

)

select * from renamed
