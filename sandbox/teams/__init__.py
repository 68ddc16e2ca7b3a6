"""A local sink for Microsoft Teams workflow webhooks."""
