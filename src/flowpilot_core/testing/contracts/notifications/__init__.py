"""Contract suites for deliveries, escalation policies, push, webhooks."""
