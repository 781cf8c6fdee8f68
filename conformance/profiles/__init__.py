"""What particular kinds of event streams promise: one folder a profile, with its specification, rules and probes."""
