with unioned as (

    select
        'shopify' as system,
        'orders' as stream,
        shopify_order_id as record_id,
        shopify_customer_id as person_record_id
    from {{ ref('stg_shopify__orders') }}

    union all

    select
        'shopify' as system,
        'abandoned_checkouts' as stream,
        shopify_checkout_id as record_id,
        shopify_customer_id as person_record_id
    from {{ ref('stg_shopify__abandoned_checkouts') }}

    union all

    select
        'shopify' as system,
        'subscription_contracts' as stream,
        shopify_subscription_contract_id as record_id,
        shopify_customer_id as person_record_id
    from {{ ref('stg_shopify__subscription_contracts') }}

    union all

    select
        'klaviyo' as system,
        'events' as stream,
        klaviyo_event_id as record_id,
        klaviyo_profile_id as person_record_id
    from {{ ref('stg_klaviyo__events') }}

    union all

    select
        'hubspot' as system,
        'tickets' as stream,
        hubspot_ticket_id as record_id,
        hubspot_contact_id as person_record_id
    from {{ ref('stg_hubspot__tickets') }}

    union all

    select
        'hubspot' as system,
        'feedback_submissions' as stream,
        hubspot_feedback_submission_id as record_id,
        hubspot_contact_id as person_record_id
    from {{ ref('stg_hubspot__feedback_submissions') }}

)

select * from unioned
