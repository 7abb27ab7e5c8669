"""Training: one trainer a module, each behind the Protocol Trainer."""
