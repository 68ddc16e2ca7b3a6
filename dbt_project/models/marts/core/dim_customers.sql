with customer_records as (

    select * from {{ ref('int_customer_records_joined') }}
    where {{ in_scope('customers', 'customer_id') }}

),

orders as (

    select * from {{ ref('fct_orders') }}
    where
        {{ in_scope('customers', 'customer_id') }}
        and customer_id is not null
        and not is_cancelled
        and not is_deleted

),

-- Living records before deleted ones, then trust in the system, then the newest.
ranked as (

    select
        *,
        row_number() over (
            partition by customer_id
            order by
                email is null, is_deleted, {{ trust_rank('email', 'system') }},
                source_at desc, record_id
        ) as email_rank,
        row_number() over (
            partition by customer_id
            order by
                phone_e164 is null, is_deleted, {{ trust_rank('phone', 'system') }},
                source_at desc, record_id
        ) as phone_rank,
        row_number() over (
            partition by customer_id
            order by
                last_name is null, first_name is null, is_deleted,
                {{ trust_rank('name', 'system') }}, source_at desc, record_id
        ) as name_rank,
        row_number() over (
            partition by customer_id
            order by
                city is null and postal_code is null, is_deleted,
                {{ trust_rank('address', 'system') }}, source_at desc, record_id
        ) as address_rank,
        row_number() over (
            partition by customer_id
            order by
                country_code is null, is_deleted, {{ trust_rank('address', 'system') }},
                source_at desc, record_id
        ) as country_rank,
        row_number() over (
            partition by customer_id, system
            order by is_deleted, email is null, source_at desc, record_id
        ) as system_rank
    from customer_records

),

merged as (

    select
        customer_id,
        max(case when email_rank = 1 then email end) as email,
        max(case when phone_rank = 1 then phone_e164 end) as phone_e164,
        max(case when name_rank = 1 then first_name end) as first_name,
        max(case when name_rank = 1 then last_name end) as last_name,
        max(case when address_rank = 1 then city end) as city,
        max(case when address_rank = 1 then postal_code end) as postal_code,
        max(case when country_rank = 1 then country_code end) as country_code,
        min(created_at) as created_at,
        max(
            case when system = 'hubspot' and system_rank = 1 and not is_deleted then record_id end
        ) as hubspot_contact_id,
        max(
            case when system = 'hubspot' and system_rank = 1 and not is_deleted then email end
        ) as hubspot_email,
        max(
            case when system = 'shopify' and system_rank = 1 and not is_deleted then record_id end
        ) as shopify_customer_id,
        max(
            case when system = 'klaviyo' and system_rank = 1 and not is_deleted then record_id end
        ) as klaviyo_profile_id,
        count(*) as source_record_count,
        count(distinct system) as system_count,
        bool_and(is_deleted) as is_deleted,
        max(source_at) as updated_at
    from ranked
    group by customer_id

),

-- Amounts of different currencies are never added: the currency of most orders counts.
order_currencies as (

    select
        customer_id,
        currency_code,
        sum(net_amount) as lifetime_value,
        row_number() over (
            partition by customer_id order by count(*) desc, max(ordered_at) desc, currency_code
        ) as currency_rank
    from orders
    group by customer_id, currency_code

),

order_totals as (

    select
        customer_id,
        min(ordered_at) as first_order_at,
        max(ordered_at) as last_order_at,
        count(*) as order_count,
        -- One order without a rate, and the sum would be a wrong number.
        case when count(*) = count(net_amount_reporting) then sum(net_amount_reporting) end
            as lifetime_value_reporting,
        max(updated_at) as updated_at
    from orders
    group by customer_id

)

select
    merged.customer_id,
    merged.email,
    merged.phone_e164,
    merged.first_name,
    merged.last_name,
    merged.city,
    merged.postal_code,
    merged.country_code,
    merged.created_at,
    merged.hubspot_contact_id,
    merged.hubspot_email,
    merged.shopify_customer_id,
    merged.klaviyo_profile_id,
    cast(merged.source_record_count as integer) as source_record_count,
    cast(merged.system_count as integer) as system_count,
    order_totals.first_order_at,
    order_totals.last_order_at,
    cast(coalesce(order_totals.order_count, 0) as integer) as order_count,
    cast(coalesce(order_currencies.lifetime_value, 0) as decimal(18, 2)) as lifetime_value,
    order_currencies.currency_code,
    cast(
        case
            when order_totals.customer_id is null then 0
            else order_totals.lifetime_value_reporting
        end as decimal(18, 2)
    ) as lifetime_value_reporting,
    {{ reporting_currency() }} as reporting_currency_code,
    {{ our_id("'hubspot'", 'contacts.hubspot_company_id') }} as account_id,
    merged.is_deleted,
    greatest(merged.updated_at, order_totals.updated_at) as updated_at
from merged
left join order_totals on merged.customer_id = order_totals.customer_id
left join order_currencies
    on merged.customer_id = order_currencies.customer_id
        and order_currencies.currency_rank = 1
left join {{ ref('stg_hubspot__contacts') }} as contacts
    on merged.hubspot_contact_id = contacts.hubspot_contact_id
