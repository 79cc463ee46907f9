"""PostgreSQL and Valkey out of Python wheels, for development and tests. `services` is the door."""
