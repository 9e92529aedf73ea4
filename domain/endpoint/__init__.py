"""Endpoints: where a partner's feed is delivered as webhooks."""
