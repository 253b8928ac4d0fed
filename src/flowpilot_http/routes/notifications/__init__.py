"""Routes of notifications: escalation policies, streams of events, webhooks."""
