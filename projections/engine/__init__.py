"""The projection engine: folds, bookmarks, parking, leases, rebuild."""
