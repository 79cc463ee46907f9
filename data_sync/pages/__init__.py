"""Pages of data_sync: the usage of an application, in its publisher's space."""
