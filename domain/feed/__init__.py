"""Feeds: what a partner says that it did with what it was told, and when its feed closed for good."""
