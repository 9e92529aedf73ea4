"""Keys: one per person and purpose, wrapped by a master key; sealing, opening, erasure."""
