with customers as (

    select * from {{ ref('rel_dim_customers') }}

),

as_of as (

    select * from {{ ref('rel_as_of') }}

),

lapsed as (

    select
        customers.customer_id,
        customers.last_order_at,
        customers.order_count,
        customers.lifetime_value,
        customers.currency_code
    from customers
    cross join as_of
    where
        customers.order_count > 0
        and customers.last_order_at
        < {{ days_before('as_of.as_of', var('lapsed_after_days')) }}
        and not customers.is_deleted

)

select * from lapsed
