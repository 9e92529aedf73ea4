"""The master key changed for another one, wherever it is kept."""

from __future__ import annotations

from adapters.keys import rotation
from adapters.keys.master import MasterKeyError
from adapters.keys.rotation import Rotation
from adapters.postgres.wrapped_keys import PostgresWrappedKeys
from deploy.settings import Settings
from deploy.wiring import Installation


def rotate(settings: Settings, *, prepare: bool) -> Rotation:
    """With `prepare` the new key is only put into the file."""
    with Installation(settings) as installation:
        _ = installation.vault  # begun only with the key that belongs to what is wrapped
        with PostgresWrappedKeys(installation.databases.keys_owner) as keys:
            if settings.master_key and not prepare:
                return rotation.rotate_given(settings.master_key.get_secret_value(), keys)
            if settings.master_key:
                raise MasterKeyError("RELATO_MASTER_KEY is no file: put a new key before the one in it yourself")
            if prepare:
                rotation.prepare(settings.key_file)
                return Rotation(0)
            return rotation.rotate(settings.key_file, keys)
