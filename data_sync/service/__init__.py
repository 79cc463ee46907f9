"""Acts of data_sync: the sandbox, counting what applications do."""
