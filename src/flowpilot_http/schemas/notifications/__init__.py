"""Requests and answers of notifications: escalation policies, events, webhooks."""
