"""A local sink for Slack incoming webhooks."""
