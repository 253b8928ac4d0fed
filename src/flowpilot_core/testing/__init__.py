"""What tests of FlowPilot, and of adapters for it, are made of; it needs pytest and Hypothesis, which you install yourself."""
