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
        statements.record_id,
        statements.status,
        statements.decided_at
    from customer_records
    inner join statements
        on customer_records.system = statements.system
            and customer_records.record_id = statements.record_id
    where statements.status = 'withdrawn' or not statements.is_deleted

),

ranked_in_record as (

    select
        *,
        row_number() over (
            partition by customer_id, purpose, channel, system, record_id
            order by decided_at desc, status desc
        ) as recency
    from counted

),

newest_statements as (

    select * from ranked_in_record
    where recency = 1

),

source_counts as (

    select
        customer_id,
        purpose,
        channel,
        count(distinct system) as source_count
    from newest_statements
    group by customer_id, purpose, channel

),

-- 'withdrawn' sorts after 'granted', so descending order is the most restrictive first.
ranked as (

    select
        *,
        row_number() over (
            partition by customer_id, purpose, channel
            order by status desc, decided_at desc, system, record_id
        ) as precedence
    from newest_statements

)

select
    ranked.customer_id,
    ranked.purpose,
    ranked.channel,
    ranked.status,
    ranked.status = 'granted' as is_granted,
    ranked.decided_at,
    ranked.system as deciding_system,
    cast(source_counts.source_count as integer) as source_count
from ranked
inner join source_counts
    on ranked.customer_id = source_counts.customer_id
        and ranked.purpose = source_counts.purpose
        and ranked.channel = source_counts.channel
where ranked.precedence = 1
