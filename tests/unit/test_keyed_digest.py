"""The digest that absorbs its key once is HMAC-SHA256."""

import hmac

from hypothesis import given
from hypothesis import strategies as st

from adapters.keys.digest import KeyedDigest


@given(st.binary(max_size=64), st.lists(st.binary(max_size=300), max_size=3))
def test_it_is_hmac_sha256_for_every_content_and_again(key: bytes, contents: list[bytes]) -> None:
    digest = KeyedDigest(key)
    for content in contents:
        assert digest(content) == hmac.digest(key, content, "sha256")
