"""Pages of the calls for applications: for everybody, for publishers, for the authority."""
