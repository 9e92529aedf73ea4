"""What partners send us: which events are taken, what comes of them, and what becomes of those that are refused."""
