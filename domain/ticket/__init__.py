"""Tickets: what a customer needs help with, as it really went."""
