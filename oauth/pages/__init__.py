"""Pages: the authorization endpoint, and the credentials in the publisher's space."""
