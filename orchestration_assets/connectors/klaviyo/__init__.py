"""Klaviyo (marketing): profiles, events and lists; profiles are written by bulk import."""
