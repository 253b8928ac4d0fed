"""Who is told what, over which channel and when: mail, push, webhooks, escalation policies, and how far each message is."""
