"""Pure checks of the referencing: the dossier and its ceiling, the grid of criteria and its verdicts."""
