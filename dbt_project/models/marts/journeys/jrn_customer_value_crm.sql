with customers as (

    select * from {{ ref('rel_dim_customers') }}

),

consents as (

    select * from {{ ref('rel_fct_consents') }}
    where purpose = 'customer_relationship' and channel = 'crm' and is_granted

),

as_of as (

    select * from {{ ref('rel_as_of') }}

),

eligible as (

    select
        customers.customer_id,
        customers.hubspot_email,
        customers.lifetime_value,
        customers.currency_code,
        customers.order_count,
        {{ utc_date('customers.last_order_at') }} as last_order_date,
        case
            when customers.order_count = 0 then 'prospect'
            when
                customers.last_order_at
                < {{ days_before('as_of.as_of', var('lapsed_after_days')) }}
                then 'lapsed'
            when
                customers.last_order_at
                < {{ days_before('as_of.as_of', var('lapsing_after_days')) }}
                then 'lapsing'
            when
                customers.first_order_at
                >= {{ days_before('as_of.as_of', var('new_for_days')) }}
                then 'new'
            else 'active'
        end as segment,
        row_number() over (
            partition by customers.hubspot_email
            order by customers.order_count desc, customers.customer_id
        ) as email_rank
    from customers
    inner join consents on customers.customer_id = consents.customer_id
    cross join as_of
    where customers.hubspot_email is not null and not customers.is_deleted

)

select
    customer_id,
    hubspot_email,
    lifetime_value,
    currency_code,
    order_count,
    last_order_date,
    segment
from eligible
where email_rank = 1
