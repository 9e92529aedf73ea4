"""A company's own fields: a definition first, then values under it."""
