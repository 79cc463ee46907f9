"""OAuth 2 authorization server and the credentials of publishers."""
