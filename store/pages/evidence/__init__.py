"""The pages of evidence: files, and what they back in a dossier."""
