"""Parking and escalating: the frozen snapshot, the queue, the claim and when it lapses, the debrief."""
