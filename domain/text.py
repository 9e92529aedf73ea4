"""The texts that commands take, by their length."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

WITHOUT_NUL = r"^[^\x00]*$"  # PostgreSQL's text cannot hold it, so no read model could fold it

Label = Annotated[str, Field(min_length=1, max_length=200, pattern=WITHOUT_NUL)]
Text = Annotated[str, Field(min_length=1, max_length=2_000, pattern=WITHOUT_NUL)]
Content = Annotated[str, Field(min_length=1, max_length=16_777_216)]
