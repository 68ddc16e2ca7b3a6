with lapsed as (

    select * from {{ ref('aud_lapsed_customers') }}

),

customers as (

    select * from {{ ref('rel_dim_customers') }}

),

consents as (

    select * from {{ ref('rel_fct_consents') }}
    where purpose = 'marketing' and channel = 'email' and is_granted

),

eligible as (

    select
        customers.customer_id,
        customers.email,
        customers.first_name,
        customers.last_name,
        {{ utc_date('lapsed.last_order_at') }} as last_order_date,
        customers.lifetime_value,
        customers.currency_code,
        'lapsed' as segment,
        row_number() over (
            partition by customers.email
            order by lapsed.last_order_at desc, customers.customer_id
        ) as email_rank
    from lapsed
    inner join customers on lapsed.customer_id = customers.customer_id
    inner join consents on lapsed.customer_id = consents.customer_id
    where customers.email is not null and not customers.is_deleted

)

select
    customer_id,
    email,
    first_name,
    last_name,
    last_order_date,
    lifetime_value,
    currency_code,
    segment
from eligible
where email_rank = 1
