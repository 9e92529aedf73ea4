"""The texts that commands take, by their length."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

Label = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(min_length=1, max_length=2_000)]
Content = Annotated[str, Field(min_length=1, max_length=16_777_216)]
