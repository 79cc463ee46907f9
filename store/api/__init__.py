"""The API of the store: the catalogue for everybody, dossiers for the programs of publishers."""
