"""Klaviyo (marketing): profiles, events, lists and campaigns; profiles and events are written."""
