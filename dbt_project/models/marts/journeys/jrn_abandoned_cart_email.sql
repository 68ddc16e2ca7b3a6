with customers as (

    select * from {{ ref('rel_dim_customers') }}
    where {{ in_scope('customers', 'customer_id') }}

),

consents as (

    select * from {{ ref('rel_fct_consents') }}
    where purpose = 'marketing' and channel = 'email' and is_granted
        and {{ in_scope('customers', 'customer_id') }}

),

carts as (

    select * from {{ ref('rel_fct_carts') }}
    where status = 'abandoned' and not is_deleted
        and {{ in_scope('customers', 'customer_id') }}

),

orders as (

    select * from {{ ref('rel_fct_orders') }}
    where not is_cancelled and not is_deleted
        and {{ in_scope('customers', 'customer_id') }}

),

as_of as (

    select * from {{ ref('rel_as_of') }}

),

open_carts as (

    select
        carts.*,
        row_number() over (
            partition by carts.customer_id
            order by carts.created_at desc, carts.cart_id
        ) as cart_rank
    from carts
    cross join as_of
    where
        carts.updated_at >= {{ days_before('as_of.as_of', var('cart_reminder_days')) }}
        -- Whoever ordered since needs no reminder, whether it was this cart that was bought or not.
        and not exists (
            select 1 from orders
            where orders.customer_id = carts.customer_id
                and orders.ordered_at >= carts.created_at
        )

),

eligible as (

    select
        customers.customer_id,
        customers.email,
        open_carts.cart_id,
        open_carts.cart_name,
        open_carts.total_amount,
        open_carts.currency_code,
        open_carts.updated_at,
        row_number() over (
            partition by customers.email
            order by open_carts.created_at desc, customers.customer_id
        ) as email_rank
    from open_carts
    inner join customers on open_carts.customer_id = customers.customer_id
    inner join consents on open_carts.customer_id = consents.customer_id
    where open_carts.cart_rank = 1 and customers.email is not null and not customers.is_deleted

)

select
    customer_id,
    email,
    cart_id,
    cart_name,
    total_amount,
    currency_code,
    updated_at
from eligible
where email_rank = 1
