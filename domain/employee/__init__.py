"""Employees, who are persons too, and their teams."""
