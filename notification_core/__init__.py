"""What people are told: internal inbox, e-mail through the outbox. Not the secure messaging."""
