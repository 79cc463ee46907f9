"""Pages of identity: signing in and spaces, members of an organisation, tokens."""
