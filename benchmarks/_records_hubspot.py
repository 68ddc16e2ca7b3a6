"""HubSpot's records for the benchmark of the model."""

from collections.abc import Mapping

from benchmarks._recipe import (
    AMOUNT,
    CHANGED,
    COUNTRIES,
    CREATED,
    EMAIL,
    PERSON,
    PHONE,
    Recipe,
    of_chance,
)

_BY_HAND = "case when c % 5 = 0 then 'CRM_UI' else 'INTEGRATION' end"
_OF_CONTACT = (
    "cast(json_object('contacts', json_object('results', json_array(json_object('id',"
    " cast(1000000 + c as text), 'type', 'ticket_to_contact')))) as text)"
)


def _history(property_name: str, value: str, source_type: str) -> str:
    return (
        f"'{property_name}', json_array(json_object('value', {value}, 'timestamp',"
        f" strftime({CREATED}, '%Y-%m-%dT%H:%M:%SZ'), 'sourceType', {source_type},"
        " 'updatedByUserId', c % 40))"
    )


RECIPES: Mapping[str, Recipe] = {
    "hubspot.contacts": Recipe(
        1,
        {
            "email": EMAIL,
            "firstname": "'First' || c % 5003",
            "lastname": "case when c % 11 > 0 then 'Last' || c % 20011 end",
            "phone": f"case when c % 3 > 0 then {PHONE} end",
            "company": "'Company ' || c % 3001",
            "jobtitle": "'Buyer'",
            "address": "'1 rue des Lilas'",
            **PERSON,
            "country": COUNTRIES,
            "lifecyclestage": "['lead', 'opportunity', 'customer'][c % 3 + 1]",
            "hs_email_optout": "c % 9 = 0",
            "hs_legal_basis": "case when c % 2 = 0 then 'Performance of a contract' end",
            "associatedcompanyid": "cast(1000000 + c % 3001 as text)",
            "createdate": CREATED,
            "lastmodifieddate": CHANGED,
            "properties_with_history": "cast(json_object({}, {}, {}) as text)".format(
                _history("hs_email_optout", "cast(c % 9 = 0 as text)", "'FORM'"),
                _history("hs_legal_basis", "'Performance of a contract'", "'IMPORT'"),
                _history("lifecyclestage", "'customer'", _BY_HAND),
            ),
        },
        having="c % 10 < 6",
        versioned=20,
    ),
    "hubspot.companies": Recipe(
        0.01,
        {
            "name": "'Company ' || i",
            "domain": "'company' || i || '.example'",
            "industry": "'RETAIL'",
            "city": "'City ' || i % 499",
            "country": "'France'",
            "numberofemployees": "i % 500",
            "annualrevenue": "1000000.00",
            "createdate": CREATED,
            "hs_lastmodifieddate": CHANGED,
        },
        changes=False,
    ),
    "hubspot.deals": Recipe(
        0.05,
        {
            "dealname": "'Deal ' || i",
            "amount": AMOUNT,
            "deal_currency_code": "'EUR'",
            "dealstage": "'closedwon'",
            "pipeline": "'default'",
            "closedate": CHANGED,
            "createdate": CREATED,
            "hs_lastmodifieddate": CHANGED,
            "associations": "'{}'",
        },
        customer=of_chance(3),
    ),
    "hubspot.tickets": Recipe(
        0.2,
        {
            "subject": "'Where is my parcel ' || i",
            "hs_pipeline": "'0'",
            "hs_pipeline_stage": "case when i % 4 = 0 then '1' else '4' end",
            "hs_ticket_priority": "['LOW', 'MEDIUM', 'HIGH'][i % 3 + 1]",
            "hs_ticket_category": "'PRODUCT_ISSUE'",
            "source_type": "['CHAT', 'EMAIL', 'FORM', 'PHONE'][i % 4 + 1]",
            "closed_date": f"case when i % 4 > 0 then {CHANGED} end",
            "createdate": CREATED,
            "hs_lastmodifieddate": CHANGED,
            "associations": _OF_CONTACT,
        },
        customer=of_chance(4),
        having="c % 10 < 6",
    ),
    "hubspot.feedback_submissions": Recipe(
        0.1,
        {
            "hs_survey_name": "'How likely are you to recommend us?'",
            "hs_survey_type": "['NPS', 'CSAT'][i % 2 + 1]",
            "hs_survey_channel": "'EMAIL'",
            "hs_value": "i % 11",
            "hs_content": "case when i % 3 = 0 then 'Came quickly, thank you.' end",
            "hs_submission_timestamp": CREATED,
            "hs_createdate": CREATED,
            "hs_lastmodifieddate": CHANGED,
            "associations": _OF_CONTACT,
        },
        customer=of_chance(5),
        having="c % 10 < 6",
    ),
}
