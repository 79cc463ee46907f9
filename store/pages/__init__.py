"""Pages of the referencing: the public catalogue, the publisher's dossiers, the reviewers' queue."""
