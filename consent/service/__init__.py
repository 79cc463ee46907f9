"""Acts on the consent: requests and their answers, granting, the life of a consent, windows, sandbox clocks."""
