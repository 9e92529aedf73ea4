"""A mapping of a shop's customers, as a user writes it."""

from __future__ import annotations

SHOP = """
language = 1
source = "shop"
title = "The shop's customers"
time_zone = "UTC"
[files.customers]
identity = [{ column = "customer" }]
[files.customers.csv]
delimiter = ","
[[rules]]
name = "customer"
command = "customer.register"
at = 2026-01-01
[rules.fields]
customer_id = { id = "shop-customer", of = [{ column = "customer" }] }
name = { column = "name" }
"""
