"""The API over HTTP: every registered command and every read model, by the same registries as the command line."""
