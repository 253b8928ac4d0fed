"""In memory: deliveries, escalation policies, push, webhooks."""
