"""Attachments: files that belong to a customer, an interaction, an opportunity, a contract, an order or a ticket."""
