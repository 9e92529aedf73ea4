"""Search: what stands in sealed texts, found by keyed digests of its words."""
