"""Webhooks: a partner's feed, delivered to its endpoints one message after the other."""
