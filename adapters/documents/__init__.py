"""The documents of one partner's feed: what it is told, and how it asks."""
