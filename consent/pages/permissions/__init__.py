"""The permissions dashboard: every app that has or had access, what it may do, and how to change or stop it."""
