"""Requests and answers of handoffs: handoffs, the queue, snapshots."""
