"""The field's tables over all seeds, scenarios and systems, beside the goals: the command `guard-eval`."""
