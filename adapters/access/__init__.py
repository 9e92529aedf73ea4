"""Keys of the API: how they are made, and told again."""
