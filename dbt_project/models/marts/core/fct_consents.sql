with statements as (

    select * from {{ ref('int_consent_statements_unioned') }}

),

customer_records as (

    select * from {{ ref('stg_identity__customer_records') }}
    where {{ in_scope('customers', 'customer_id') }}

),

-- A deleted record no longer grants anything, but what it withdrew stays withdrawn.
counted as (

    select
        customer_records.customer_id,
        statements.purpose,
        statements.channel,
        statements.system,
        statements.status,
        statements.decided_at
    from customer_records
    inner join statements
        on customer_records.system = statements.system
            and customer_records.record_id = statements.record_id
    where statements.status = 'withdrawn' or not statements.is_deleted

),

ranked_in_system as (

    select
        *,
        row_number() over (
            partition by customer_id, purpose, channel, system
            order by decided_at desc, status desc
        ) as recency
    from counted

),

-- 'withdrawn' sorts after 'granted', so descending order is the most restrictive first.
ranked as (

    select
        *,
        row_number() over (
            partition by customer_id, purpose, channel
            order by status desc, decided_at desc, system
        ) as precedence,
        count(*) over (partition by customer_id, purpose, channel) as source_count
    from ranked_in_system
    where recency = 1

)

select
    customer_id,
    purpose,
    channel,
    status,
    status = 'granted' as is_granted,
    decided_at,
    system as deciding_system,
    cast(source_count as integer) as source_count
from ranked
where precedence = 1
