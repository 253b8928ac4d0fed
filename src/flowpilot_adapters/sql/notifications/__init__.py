"""In PostgreSQL: deliveries, escalation policies, push, webhooks."""
