"""Use cases of the referencing: dossiers (publishers), reviews (reviewers and deciders), listings, demonstration."""
