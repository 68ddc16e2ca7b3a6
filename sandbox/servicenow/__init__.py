"""A local stand-in for the incident table of ServiceNow's Table API."""
