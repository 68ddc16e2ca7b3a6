"""The GraphQL documents sent to Shopify's Admin API, as text.

No data is written into them: values travel as variables, and the bulk documents take none.
"""

from dataclasses import dataclass

from orchestration_assets.connectors.shopify import selections

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
        subject: the type's name in the event log (`ORDER`), None where the log knows none.
        sorted_by_change: whether the shop can sort the records by the time of their change.
        page: a page of changed records: oldest change first, else newest record first.
        newest: identifiers and change times only: newest first, else those changed since a time.
        bulk: the same records as `page`, for a bulk operation; None where no such operation may
            ask for them.
        more: the following pages of one record's nested connection.
        by_id: the same records as `page`, by their global identifiers.
        type: name of the records' type.
    """

    connection: str
    nested: str | None
    subject: str | None
    sorted_by_change: bool
    page: str
    newest: str
    bulk: str | None
    more: str | None
    by_id: str
    type: str


@dataclass(frozen=True, slots=True)
class _Shape:
    """What the vendor's schema says about one kind of record.

    Args:
        type: its name.
        connection: field of the query root.
        fields: what is asked of a record.
        nested: connection inside it and what is asked of its nodes.
        parent: how the query root finds one record by `$id`, around its nested connection.
        subject: its type's name in the event log.
        sorted_by_change: whether there is a sort key for its time of change.
        is_exportable: whether a bulk operation may ask for it: all its connections are of nodes.
    """

    type: str
    connection: str
    fields: str
    nested: tuple[str, str] | None = None
    parent: str = ""
    subject: str | None = None
    sorted_by_change: bool = True
    is_exportable: bool = True


def _documents(shape: _Shape) -> Documents:
    return Documents(
        connection=shape.connection,
        nested=shape.nested[0] if shape.nested else None,
        subject=shape.subject,
        sorted_by_change=shape.sorted_by_change,
        page=_page(shape),
        newest=_newest(shape),
        bulk=_bulk(shape) if shape.is_exportable else None,
        more=_more(shape),
        by_id=_by_id(shape),
        type=shape.type,
    )


def _page(shape: _Shape) -> str:
    order = "sortKey: UPDATED_AT" if shape.sorted_by_change else "sortKey: ID, reverse: true"
    variable, inner = _first_nested(shape)
    return f"""
query Changed($first: Int!, $after: String, $query: String{variable}) {{
  {shape.connection}(first: $first, after: $after, query: $query, {order}) {{
    nodes {{{shape.fields}{inner}
    }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}
"""


def _first_nested(shape: _Shape) -> tuple[str, str]:
    """The variable that says how many of the nested nodes are asked for, and the selection."""
    if not shape.nested:
        return "", ""
    name, fields = shape.nested
    inner = f"""
    {name}(first: $inner) {{
      nodes {{{fields}}}
      pageInfo {{ hasNextPage endCursor }}
    }}"""
    return ", $inner: Int!", inner


def _by_id(shape: _Shape) -> str:
    variable, inner = _first_nested(shape)
    return f"""
query Fetched($ids: [ID!]!{variable}) {{
  nodes(ids: $ids) {{
    ... on {shape.type} {{{shape.fields}{inner}
    }}
  }}
}}
"""


def _newest(shape: _Shape) -> str:
    if shape.sorted_by_change:
        variable, order = "", "sortKey: UPDATED_AT"
    else:
        variable, order = ", $query: String", "query: $query, sortKey: ID"
    return f"""
query Newest($first: Int!{variable}) {{
  {shape.connection}(first: $first, {order}, reverse: true) {{
    nodes {{ id updatedAt }}
  }}
}}
"""


def _bulk(shape: _Shape) -> str:
    inner = ""
    if shape.nested:
        name, fields = shape.nested
        inner = f"""
    {name} {{
      edges {{ node {{{fields}}} }}
    }}"""
    return f"""
{{
  {shape.connection} {{
    edges {{ node {{{shape.fields}{inner}
    }} }}
  }}
}}
"""


def _more(shape: _Shape) -> str | None:
    if not shape.nested:
        return None
    name, fields = shape.nested
    inner = f"""{name}(first: $first, after: $after) {{
      nodes {{{fields}}}
      pageInfo {{ hasNextPage endCursor }}
    }}"""
    return f"""
query More($id: ID!, $first: Int!, $after: String) {{
  {shape.parent % inner}
}}
"""


DOCUMENTS: dict[str, Documents] = {
    "customers": _documents(
        _Shape("Customer", "customers", selections.CUSTOMER, subject="CUSTOMER")
    ),
    "orders": _documents(
        _Shape(
            "Order",
            "orders",
            selections.ORDER,
            nested=("lineItems", selections.LINE_ITEM),
            parent="order(id: $id) { %s }",
            subject="ORDER",
        )
    ),
    "products": _documents(
        _Shape(
            "Product",
            "products",
            selections.PRODUCT,
            nested=("variants", selections.VARIANT),
            parent="product(id: $id) { %s }",
            subject="PRODUCT",
        )
    ),
    "abandoned_checkouts": _documents(
        _Shape(
            "AbandonedCheckout",
            "abandonedCheckouts",
            selections.CHECKOUT,
            nested=("lineItems", selections.CHECKOUT_LINE),
            parent="node(id: $id) { ... on AbandonedCheckout { %s } }",
            sorted_by_change=False,
        )
    ),
    # The lines of a contract are no nodes, and a bulk operation exports nodes only.
    "subscription_contracts": _documents(
        _Shape(
            "SubscriptionContract",
            "subscriptionContracts",
            selections.CONTRACT,
            nested=("lines", selections.CONTRACT_LINE),
            parent="subscriptionContract(id: $id) { %s }",
            is_exportable=False,
        )
    ),
}
