with contracts as (

    select * from {{ ref('stg_shopify__subscription_contracts') }}
    where
        {{ in_scope('record:shopify.subscription_contracts', 'shopify_subscription_contract_id') }}

),

customer_records as (

    select * from {{ ref('stg_identity__customer_records') }}
    where system = 'shopify'

)

select
    {{ our_id("'shopify'", 'contracts.shopify_subscription_contract_id') }} as subscription_id,
    customer_records.customer_id,
    lower(contracts.status) as status,
    coalesce(contracts.status = 'ACTIVE', false) and not contracts.is_deleted as is_active,
    contracts.currency_code,
    contracts.recurring_amount,
    {{ in_reporting_currency(
        'contracts.recurring_amount', 'contracts.currency_code', 'rates.rate'
    ) }} as recurring_amount_reporting,
    {{ reporting_currency() }} as reporting_currency_code,
    lower(contracts.billing_interval) as billing_interval,
    contracts.billing_interval_count,
    contracts.next_billing_at,
    contracts.created_at,
    contracts.is_deleted,
    contracts.source_at as updated_at
from contracts
left join customer_records on contracts.shopify_customer_id = customer_records.record_id
left join {{ ref('int_exchange_rates_dated') }} as rates
    on contracts.currency_code = rates.currency_code
        and {{ utc_date('contracts.created_at') }} = rates.rate_date
