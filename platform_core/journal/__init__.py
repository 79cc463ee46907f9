"""The journal of accesses to health data: append-only, sealed in Merkle batches, verifiable by anyone."""
