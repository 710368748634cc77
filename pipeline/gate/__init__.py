"""The promotion gate: evidence, comparison, economics, guardrails, the decision and its record. Pure."""
