with orders as (

    select * from {{ ref('stg_shopify__orders') }}

),

refunds as (

    select
        orders.shopify_order_id,
        coalesce({{ json_text('refunds.item', 'currencyCode') }}, orders.currency_code)
            as currency_code,
        cast({{ json_text('refunds.item', 'createdAt') }} as timestamp with time zone)
            as refunded_at
    from orders
    cross join lateral (select {{ json_items('orders.refunds') }} as item) as refunds
    where orders.refunds is not null and orders.refunds <> '[]'

),

unioned as (

    select
        'shopify' as system,
        'orders' as stream,
        shopify_order_id as record_id,
        currency_code,
        {{ utc_date('coalesce(processed_at, created_at)') }} as money_date
    from orders

    union all

    select
        'shopify' as system,
        'orders' as stream,
        shopify_order_id as record_id,
        currency_code,
        {{ utc_date('refunded_at') }} as money_date
    from refunds

    union all

    select
        'shopify' as system,
        'abandoned_checkouts' as stream,
        shopify_checkout_id as record_id,
        currency_code,
        {{ utc_date('created_at') }} as money_date
    from {{ ref('stg_shopify__abandoned_checkouts') }}

    union all

    select
        'shopify' as system,
        'subscription_contracts' as stream,
        shopify_subscription_contract_id as record_id,
        currency_code,
        {{ utc_date('created_at') }} as money_date
    from {{ ref('stg_shopify__subscription_contracts') }}

    union all

    select
        'reference' as system,
        'costs' as stream,
        cost_id as record_id,
        currency_code,
        period_start as money_date
    from {{ ref('stg_reference__costs') }}

)

select * from unioned
