"""Rules of the search over a record: words, questions, extracts, facets, what deserves a look. Pure."""
