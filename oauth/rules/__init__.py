"""Pure checks of the protocol: clients, assertions, proofs, scopes, authorization details, requests, refresh."""
