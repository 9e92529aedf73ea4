"""Customers: prospects first, with contacts who are persons of their own, merged and unmerged, erased."""
