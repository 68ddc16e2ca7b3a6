"""A local stand-in for PagerDuty's Events API."""
