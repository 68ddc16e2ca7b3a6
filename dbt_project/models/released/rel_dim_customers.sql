with source as (

    select * from {{ source('released', 'dim_customers') }}

)

select
    customer_id,
    email,
    phone_e164,
    first_name,
    last_name,
    city,
    postal_code,
    country_code,
    created_at,
    hubspot_contact_id,
    hubspot_email,
    shopify_customer_id,
    klaviyo_profile_id,
    source_record_count,
    system_count,
    first_order_at,
    last_order_at,
    order_count,
    lifetime_value,
    currency_code,
    lifetime_value_reporting,
    reporting_currency_code,
    account_id,
    is_deleted,
    updated_at
from source
