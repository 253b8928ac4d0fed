"""Use cases of escalation policies and webhooks, and the work of telling: mail, push, policy steps, webhooks."""
