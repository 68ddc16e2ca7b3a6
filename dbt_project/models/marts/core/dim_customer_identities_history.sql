with moves as (

    select * from {{ ref('stg_identity__history') }}

),

customer_records as (

    select * from {{ ref('stg_identity__customer_records') }}

),

-- A merge or a split brings both customers of a record into scope, so that both periods are here.
scoped_records as (

    select
        system,
        record_id
    from customer_records
    where {{ in_scope('customers', 'customer_id') }}

    union

    select
        system,
        record_id
    from moves
    where {{ in_scope('customers', 'customer_id_before') }}

),

ranked as (

    select
        moves.*,
        row_number() over (
            partition by moves.system, moves.record_id order by moves.changed_at
        ) as move_number,
        row_number() over (
            partition by moves.system, moves.record_id order by moves.changed_at desc
        ) as move_age
    from moves
    inner join scoped_records
        on moves.system = scoped_records.system and moves.record_id = scoped_records.record_id

),

-- The customer before the first move, and the one after each.
owners as (

    select
        customer_records.system,
        customer_records.record_id,
        customer_records.first_loaded_at as valid_from,
        cast(null as text) as change_kind,
        cast(null as text) as change_reason,
        coalesce(ranked.customer_id_before, customer_records.customer_id) as customer_id
    from customer_records
    inner join scoped_records
        on customer_records.system = scoped_records.system
            and customer_records.record_id = scoped_records.record_id
    left join ranked
        on customer_records.system = ranked.system
            and customer_records.record_id = ranked.record_id
            and ranked.move_number = 1

    union all

    select
        ranked.system,
        ranked.record_id,
        ranked.changed_at as valid_from,
        ranked.change_kind,
        ranked.change_reason,
        case when ranked.move_age = 1 then customer_records.customer_id else ranked.customer_id_after end
            as customer_id
    from ranked
    inner join customer_records
        on ranked.system = customer_records.system
            and ranked.record_id = customer_records.record_id

),

periods as (

    select
        *,
        lead(valid_from) over (partition by system, record_id order by valid_from) as valid_to
    from owners

)

select
    customer_id,
    system,
    record_id,
    valid_from,
    valid_to,
    valid_to is null as is_current,
    change_kind,
    change_reason,
    coalesce(valid_to, valid_from) as updated_at
from periods
where customer_id is not null and {{ in_scope('customers', 'customer_id') }}
