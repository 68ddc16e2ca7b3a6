with hubspot as (

    select
        'hubspot' as system,
        'contacts' as stream,
        hubspot_contact_id as record_id,
        email,
        phone,
        mobile_phone as other_phone,
        shopify_customer_id as named_shopify_customer_id,
        first_name,
        last_name,
        address,
        city,
        postal_code,
        {{ country_code('country') }} as country_code,
        created_at,
        source_at,
        first_loaded_at,
        is_deleted
    from {{ ref('stg_hubspot__contacts') }}

),

shopify as (

    select
        'shopify' as system,
        'customers' as stream,
        shopify_customer_id as record_id,
        email,
        phone,
        cast(null as text) as other_phone,
        shopify_customer_id as named_shopify_customer_id,
        first_name,
        last_name,
        address,
        city,
        postal_code,
        {{ country_code('country_code') }} as country_code,
        created_at,
        source_at,
        first_loaded_at,
        is_deleted
    from {{ ref('stg_shopify__customers') }}

),

klaviyo as (

    select
        'klaviyo' as system,
        'profiles' as stream,
        klaviyo_profile_id as record_id,
        email,
        phone,
        cast(null as text) as other_phone,
        external_id as named_shopify_customer_id,
        first_name,
        last_name,
        address,
        city,
        postal_code,
        {{ country_code('country') }} as country_code,
        created_at,
        source_at,
        first_loaded_at,
        is_deleted
    from {{ ref('stg_klaviyo__profiles') }}

),

unioned as (

    select * from hubspot
    union all
    select * from shopify
    union all
    select * from klaviyo

)

select * from unioned
