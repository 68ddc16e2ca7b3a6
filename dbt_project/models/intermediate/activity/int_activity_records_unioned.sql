with orders as (

    select
        'shopify' as system,
        'orders' as stream,
        shopify_order_id as record_id,
        shopify_customer_id as person_record_id
    from {{ ref('stg_shopify__orders') }}

),

events as (

    select
        'klaviyo' as system,
        'events' as stream,
        klaviyo_event_id as record_id,
        klaviyo_profile_id as person_record_id
    from {{ ref('stg_klaviyo__events') }}

),

unioned as (

    select * from orders
    union all
    select * from events

)

select * from unioned
