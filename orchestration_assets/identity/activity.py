"""Orders, events and the like of records that went to another customer."""

from orchestration_assets.warehouse.session import Session

ACTIVITY = "intermediate.int_activity_records_unioned"
_TOUCHED_BY_ACTIVITY = f"""
select c.customer_id from scope.records s
join {ACTIVITY} a on a.system = s.system and a.stream = s.stream and a.record_id = s.record_id
join identity.customer_records c
    on c.system = a.system and c.record_id = a.person_record_id
"""
_ACTIVITY_OF_MOVED = f"""
insert into scope.records (system, stream, record_id)
select a.system, a.stream, a.record_id from {ACTIVITY} a
join identity.moved_people m on m.system = a.system and m.record_id = a.person_record_id
where not exists (
    select 1 from scope.records s
    where s.system = a.system and s.stream = a.stream and s.record_id = a.record_id
)
"""
_FORMER_OWNERS = {
    "fct_orders": "select customer_id from core.fct_orders where order_id in ("
    "select system || ':' || record_id from scope.records where stream = 'orders')"
    " and customer_id is not null",
}


def take_activity_along(session: Session) -> int:
    """Bring the activity of the records in `identity.moved_people` into the scope.

    An order may be landed before its customer is: it has none then, and gets one here.

    Returns:
        The number of orders, events, ... that were not in scope yet.
    """
    return session.execute(_ACTIVITY_OF_MOVED)


def customers_of_activity(session: Session) -> list[str]:
    """Queries of the customers whose activity is in scope, former owners of orders included."""
    former = [query for name, query in _FORMER_OWNERS.items() if session.table_exists("core", name)]
    return [_TOUCHED_BY_ACTIVITY, *former]
