with checkouts as (

    select * from {{ ref('stg_shopify__abandoned_checkouts') }}
    where {{ in_scope('record:shopify.abandoned_checkouts', 'shopify_checkout_id') }}

),

customer_records as (

    select * from {{ ref('stg_identity__customer_records') }}
    where system = 'shopify'

)

select
    {{ our_id("'shopify'", 'checkouts.shopify_checkout_id') }} as cart_id,
    customer_records.customer_id,
    checkouts.checkout_name as cart_name,
    checkouts.currency_code,
    checkouts.total_amount,
    checkouts.subtotal_amount,
    {{ in_reporting_currency('checkouts.total_amount', 'checkouts.currency_code', 'rates.rate') }}
        as total_amount_reporting,
    {{ reporting_currency() }} as reporting_currency_code,
    case when checkouts.completed_at is null then 'abandoned' else 'completed' end as status,
    -- The shop lets a cart rest before it counts as abandoned; whoever pays earlier never left.
    coalesce(
        checkouts.completed_at
        > checkouts.created_at + interval '{{ var("cart_rests_minutes") | int }} minutes',
        false
    ) as is_recovered,
    checkouts.created_at,
    checkouts.completed_at,
    checkouts.is_deleted,
    checkouts.source_at as updated_at
from checkouts
left join customer_records on checkouts.shopify_customer_id = customer_records.record_id
left join {{ ref('int_exchange_rates_dated') }} as rates
    on checkouts.currency_code = rates.currency_code
        and {{ utc_date('checkouts.created_at') }} = rates.rate_date
