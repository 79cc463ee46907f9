"""Outside systems: OpenID providers and the INS teleservice."""
