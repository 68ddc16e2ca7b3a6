"""The GraphQL documents sent to Shopify's Admin API, as text.

No data is written into them: values travel as variables, and the bulk documents take none.
"""

from dataclasses import dataclass

_CUSTOMER = """
    id
    legacyResourceId
    firstName
    lastName
    defaultEmailAddress {
      emailAddress
      marketingState
      marketingOptInLevel
      marketingUpdatedAt
    }
    defaultPhoneNumber {
      phoneNumber
      marketingState
      marketingUpdatedAt
    }
    defaultAddress {
      address1
      city
      zip
      countryCodeV2
    }
    state
    numberOfOrders
    amountSpent {
      amount
      currencyCode
    }
    locale
    tags
    verifiedEmail
    createdAt
    updatedAt
"""

_ORDER = """
    id
    legacyResourceId
    name
    customer {
      legacyResourceId
    }
    email
    phone
    currencyCode
    currentTotalPriceSet {
      shopMoney {
        amount
      }
    }
    currentSubtotalPriceSet {
      shopMoney {
        amount
      }
    }
    currentTotalTaxSet {
      shopMoney {
        amount
      }
    }
    currentShippingPriceSet {
      shopMoney {
        amount
      }
    }
    currentTotalDiscountsSet {
      shopMoney {
        amount
      }
    }
    totalRefundedSet {
      shopMoney {
        amount
      }
    }
    refunds {
      id
      createdAt
      note
      totalRefundedSet {
        shopMoney {
          amount
          currencyCode
        }
      }
    }
    displayFinancialStatus
    displayFulfillmentStatus
    sourceName
    createdAt
    processedAt
    updatedAt
    cancelledAt
"""

_PRODUCT = """
    id
    legacyResourceId
    title
    handle
    vendor
    productType
    status
    createdAt
    updatedAt
"""

_LINE_ITEM = """
    id
    title
    quantity
    sku
    product {
      legacyResourceId
    }
    variant {
      legacyResourceId
    }
    originalUnitPriceSet {
      shopMoney {
        amount
      }
    }
    discountedTotalSet {
      shopMoney {
        amount
      }
    }
"""

_VARIANT = """
    id
    legacyResourceId
    sku
    title
    price
"""

BULK_START = """
mutation BulkStart($query: String!, $grouped: Boolean!) {
  bulkOperationRunQuery(query: $query, groupObjects: $grouped) {
    bulkOperation {
      id
      status
      createdAt
    }
    userErrors {
      code
      field
      message
    }
  }
}
"""

BULK_STATUS = """
query BulkStatus($id: ID!) {
  bulkOperation(id: $id) {
    id
    status
    errorCode
    createdAt
    objectCount
    url
    partialDataUrl
  }
}
"""

DELETIONS = """
query Deletions($first: Int!, $after: String, $query: String!, $reverse: Boolean!) {
  events(first: $first, after: $after, query: $query, sortKey: CREATED_AT, reverse: $reverse) {
    nodes {
      id
      createdAt
      ... on BasicEvent {
        subjectId
        subjectType
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
"""


@dataclass(frozen=True, slots=True)
class Documents:
    """Everything that is asked about one stream.

    Args:
        connection: field of the query root (`orders`).
        nested: connection inside each record (`lineItems`), None where there is none.
        subject: the type's name in the event log (`ORDER`).
        page: a page of changed records, oldest change first.
        newest: identifiers and change times only, newest first.
        bulk: the same records as `page`, for a bulk operation.
        more: the following pages of one record's nested connection.
    """

    connection: str
    nested: str | None
    subject: str
    page: str
    newest: str
    bulk: str
    more: str | None


def _documents(
    connection: str, singular: str, fields: str, nested: str | None = None, inner: str = ""
) -> Documents:
    inner_page = inner_bulk = inner_variable = ""
    more = None
    if nested:
        inner_variable = ", $inner: Int!"
        inner_page = f"""
    {nested}(first: $inner) {{
      nodes {{{inner}}}
      pageInfo {{ hasNextPage endCursor }}
    }}"""
        inner_bulk = f"""
    {nested} {{
      edges {{ node {{{inner}}} }}
    }}"""
        more = f"""
query More($id: ID!, $first: Int!, $after: String) {{
  {singular}(id: $id) {{
    {nested}(first: $first, after: $after) {{
      nodes {{{inner}}}
      pageInfo {{ hasNextPage endCursor }}
    }}
  }}
}}
"""
    page = f"""
query Changed($first: Int!, $after: String, $query: String{inner_variable}) {{
  {connection}(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {{
    nodes {{{fields}{inner_page}
    }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}
"""
    newest = f"""
query Newest($first: Int!) {{
  {connection}(first: $first, sortKey: UPDATED_AT, reverse: true) {{
    nodes {{ id legacyResourceId updatedAt }}
  }}
}}
"""
    bulk = f"""
{{
  {connection} {{
    edges {{ node {{{fields}{inner_bulk}
    }} }}
  }}
}}
"""
    return Documents(
        connection=connection,
        nested=nested,
        subject=singular.upper(),
        page=page,
        newest=newest,
        bulk=bulk,
        more=more,
    )


DOCUMENTS: dict[str, Documents] = {
    "customers": _documents("customers", "customer", _CUSTOMER),
    "orders": _documents("orders", "order", _ORDER, "lineItems", _LINE_ITEM),
    "products": _documents("products", "product", _PRODUCT, "variants", _VARIANT),
}
