with source as (

    {{ rows_in_scope(
        source('shopify', 'orders'), 'record:shopify.orders', '_record_id', is_readable('shopify', 'orders')
    ) }}

),

versioned as (

    {{ latest_version('source') }}

),

renamed as (

    select
        _record_id as shopify_order_id,
        name as order_name,
        customer_id as shopify_customer_id,
        email,
        phone,
        currency_code,
        cast(total_price as decimal(18, 2)) as total_amount,
        cast(subtotal_price as decimal(18, 2)) as subtotal_amount,
        cast(total_tax as decimal(18, 2)) as tax_amount,
        cast(total_shipping as decimal(18, 2)) as shipping_amount,
        cast(total_discounts as decimal(18, 2)) as discount_amount,
        cast(total_refunded as decimal(18, 2)) as refunded_amount,
        financial_status,
        fulfillment_status,
        source_name,
        line_items,
        refunds,
        created_at,
        processed_at,
        updated_at as modified_at,
        cancelled_at,
        _latest_is_deleted as is_deleted,
        _latest_source_at as source_at,
        _first_loaded_at as first_loaded_at
    from versioned
    where _version_rank = 1

)

select * from renamed
