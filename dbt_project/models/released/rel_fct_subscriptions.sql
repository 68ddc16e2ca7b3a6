with source as (

    select * from {{ source('released', 'fct_subscriptions') }}

)

select
    subscription_id,
    customer_id,
    status,
    is_active,
    currency_code,
    recurring_amount,
    recurring_amount_reporting,
    reporting_currency_code,
    billing_interval,
    billing_interval_count,
    next_billing_at,
    created_at,
    is_deleted,
    updated_at
from source
