"""Handing off, the snapshot, the claim, the queue, the debrief: requests and answers."""
