with customer_records as (

    select * from {{ ref('stg_identity__customer_records') }}
    where {{ in_scope('customers', 'customer_id') }}

),

-- How many records withdraw, and how many grant, from this moment on.
moments as (

    select
        customer_records.customer_id,
        changes.purpose,
        changes.channel,
        changes.changed_at,
        sum(
            case when changes.status = 'withdrawn' then 1 else 0 end
            - case when changes.status_before = 'withdrawn' then 1 else 0 end
        ) as more_withdrawn,
        sum(
            case when changes.status = 'granted' then 1 else 0 end
            - case when changes.status_before = 'granted' then 1 else 0 end
        ) as more_granted
    from customer_records
    inner join {{ ref('int_consent_changes_sequenced') }} as changes
        on customer_records.system = changes.system
            and customer_records.record_id = changes.record_id
    group by
        customer_records.customer_id,
        changes.purpose,
        changes.channel,
        changes.changed_at

),

counted as (

    select
        *,
        sum(more_withdrawn) over (
            partition by customer_id, purpose, channel order by changed_at
        ) as withdrawn_count,
        sum(more_granted) over (
            partition by customer_id, purpose, channel order by changed_at
        ) as granted_count
    from moments

),

-- Over all records of the customer the most restrictive counts, as in fct_consents.
decided as (

    select
        customer_id,
        purpose,
        channel,
        changed_at,
        case
            when withdrawn_count > 0 then 'withdrawn'
            when granted_count > 0 then 'granted'
        end as status
    from counted

),

compared as (

    select
        *,
        lag(status) over (
            partition by customer_id, purpose, channel order by changed_at
        ) as status_before
    from decided

),

periods as (

    select
        *,
        lead(changed_at) over (
            partition by customer_id, purpose, channel order by changed_at
        ) as valid_to
    from compared
    where status is distinct from status_before

)

select
    customer_id,
    purpose,
    channel,
    status,
    status = 'granted' as is_granted,
    changed_at as valid_from,
    valid_to,
    valid_to is null as is_current,
    coalesce(valid_to, changed_at) as updated_at
from periods
where status is not null
