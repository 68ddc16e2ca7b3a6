"""A local Shopify Admin API: GraphQL over one path, with bulk operations and query cost."""
