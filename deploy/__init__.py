"""The one place where concrete parts are put together and the environment is read."""
