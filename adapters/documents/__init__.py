"""The documents of one partner's feed: what it is told, what it may send, and by which ways."""
