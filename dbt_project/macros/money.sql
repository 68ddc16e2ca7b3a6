{#- Money in the one currency that reports add up in; rates are those of `int_exchange_rates_dated`. -#}

{#-
    The amount in the reporting currency, to the cent. Null where no rate is known: a figure that is
    missing is seen, a wrong one is not. `rate` is the column of the joined rates.
-#}
{% macro in_reporting_currency(amount, currency, rate) -%}
    cast(
        case
            when {{ currency }} = '{{ var("reporting_currency") }}' or {{ amount }} = 0 then {{ amount }}
            else round({{ amount }} * {{ rate }}, 2)
        end as decimal(18, 2)
    )
{%- endmacro %}

{% macro reporting_currency() -%}
    '{{ var("reporting_currency") }}'
{%- endmacro %}

{#- One row for each day from `first` on and before `after_last`; both are dates. -#}
{% macro each_day(first, after_last) -%}
    {{ return(adapter.dispatch('each_day', 'accord')(first, after_last)) }}
{%- endmacro %}

{% macro duckdb__each_day(first, after_last) -%}
    unnest(generate_series(cast({{ first }} as timestamp), {{ after_last }} - interval '1 day', interval '1 day'))
{%- endmacro %}

{% macro postgres__each_day(first, after_last) -%}
    generate_series(cast({{ first }} as timestamp), {{ after_last }} - interval '1 day', interval '1 day')
{%- endmacro %}

{#-
    Post-hook of the rates: brings into scope every amount whose rate is another one now, however
    old it is. A rate counts from its day to the day before the next one; days that lie between are
    those that a rate in scope may have changed.
-#}
{% macro take_rated_records_along() -%}
    {%- set money = ref('int_money_records_unioned') -%}
    {%- set rates = ref('stg_reference__exchange_rates') -%}
    {%- set scoped = ref('stg_scope__records') -%}
    insert into scope.records (system, stream, record_id)
    select distinct money.system, money.stream, money.record_id
    from (
        select
            changed.from_currency as currency_code,
            changed.rate_date as first_day,
            (
                select min(later.rate_date) from {{ rates }} as later
                where
                    later.from_currency = changed.from_currency
                    and later.to_currency = changed.to_currency
                    and later.rate_date > changed.rate_date
                    and not later.is_deleted
            ) as after_last_day
        from {{ rates }} as changed
        inner join {{ scoped }} as scoped
            on scoped.system = 'reference' and scoped.stream = 'exchange_rates'
                and scoped.record_id = changed.rate_id
        where changed.to_currency = '{{ var("reporting_currency") }}'
    ) as spans
    inner join {{ money }} as money
        on money.currency_code = spans.currency_code
            and money.money_date >= spans.first_day
            and (spans.after_last_day is null or money.money_date < spans.after_last_day)
    where not exists (
        select 1 from {{ scoped }} as scoped
        where
            scoped.system = money.system
            and scoped.stream = money.stream
            and scoped.record_id = money.record_id
    )
{%- endmacro %}
