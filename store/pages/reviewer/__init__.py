"""The authority's pages: the queue, a dossier and its criteria, the commission, the acts, what follows a listing."""
