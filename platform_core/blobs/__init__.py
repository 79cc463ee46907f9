"""Files kept encrypted under their owner's key, in a folder or in an object store."""
