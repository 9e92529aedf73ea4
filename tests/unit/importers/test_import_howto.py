"""The mappings that the documentation shows are right ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from adapters.importers.forms import COMPARISONS, FORMS
from adapters.importers.mapping import check_commands, parse_mapping
from domain.catalogue import REGISTRY

HOWTO = (Path(__file__).parents[3] / "docs" / "howto" / "import.md").read_text("utf-8")


@pytest.mark.parametrize("text", re.findall(r"```toml\n(.*?)```", HOWTO, re.DOTALL))
def test_a_mapping_of_the_documentation_fits_the_commands_there_are(text: str) -> None:
    assert check_commands(parse_mapping(text, "import.md"), REGISTRY)


@pytest.mark.parametrize("word", [*FORMS, *COMPARISONS])
def test_every_form_is_documented(word: str) -> None:
    assert f"{word} = " in HOWTO or f"`{word}`" in HOWTO
