"""Use cases of identity: signing in, people, spaces, organisations, seeding."""
