"""Files of any size: cut into blocks, sealed one by one, and kept in the content store."""
