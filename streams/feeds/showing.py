"""How much of a fact is shown: the fields that an agreement names, and nothing else. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, cast
from uuid import UUID

from domain.agreement.terms import Mask, Shown, Terms, covering_field
from streams.departments import newest
from streams.feeds.masks import mask

THINGS = frozenset({"product_id", "supplier_id", "partner_id", "field_id", "territory_id", "about_id"})
Tree = dict[str, "Tree | None"]  # the names of fields, each with those of its parts; None: all of it


class Window(NamedTuple):
    """The fields that are shown, and by which masks."""

    tree: Tree
    masks: Mapping[str, tuple[Mask, ...]]


def shown_as(terms: Terms, type_: str) -> Shown | None:
    """What is shown of a type, by its newest name; it may have been agreed under an older one."""
    return terms.shown(type_) or next((one for one in terms.shows if newest(one.type) == type_), None)


def window_of(told: Shown, now: Shown) -> Window:
    """What both show, as strictly as either does."""
    return _window(told.model_dump_json(), now.model_dump_json())


@lru_cache(1_000)
def _window(told_json: str, now_json: str) -> Window:
    told, now = Shown.model_validate_json(told_json), Shown.model_validate_json(now_json)
    fields = {path for path in (*told.fields, *now.fields) if covering_field(told, path) and covering_field(now, path)}
    tree, masks = Tree(), dict[str, tuple[Mask, ...]]()
    for path in sorted(fields, key=lambda path: path.count(".")):
        _plant(tree, path)
        masks[path] = tuple(dict.fromkeys(found for one in (told, now) if (found := _mask_of(one, path))))
    return Window(tree, {path: found for path, found in masks.items() if found})


def _mask_of(shown: Shown, path: str) -> Mask | None:
    return shown.masks.get(covering_field(shown, path) or path)


def _plant(tree: Tree, path: str) -> None:
    *steps, last = path.split(".")
    for step in steps:
        below = tree.setdefault(step, {})
        if below is None:
            return
        tree = below
    tree[last] = None


def look_through(window: Window, content: Mapping[str, Any], products: Sequence[UUID]) -> Mapping[str, Any]:
    """The fields that are shown, not masked yet; of lines, where `products` are named, those that are about them."""
    return cast("Mapping[str, Any]", _pick(content, window.tree, frozenset(products)))


def _pick(thing: Any, tree: Mapping[str, Any] | None, products: frozenset[UUID]) -> Any:
    if isinstance(thing, list | tuple):
        parts = cast("Sequence[Any]", thing)
        return [_pick(part, tree, products) for part in parts if _is_theirs(part, products)]
    if not isinstance(thing, Mapping):
        return thing
    if tree is None:
        return {name: _pick(part, None, products) for name, part in thing.items()}
    return {name: _pick(thing[name], below, products) for name, below in tree.items() if name in thing}


def _is_theirs(part: Any, products: frozenset[UUID]) -> bool:
    if not products or not isinstance(part, Mapping) or "product_id" not in part:
        return True
    return part["product_id"] in products


def masked(window: Window, content: Mapping[str, Any]) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", _masked(content, "", window.masks)) if window.masks else content


def _masked(thing: Any, path: str, masks: Mapping[str, tuple[Mask, ...]]) -> Any:
    if found := masks.get(path):
        return mask(thing, found)
    if isinstance(thing, Mapping):
        return {name: _masked(part, f"{path}.{name}".lstrip("."), masks) for name, part in thing.items()}
    if isinstance(thing, list | tuple):
        return [_masked(part, path, masks) for part in cast("Sequence[Any]", thing)]
    return thing


def disguised(thing: Any, pseudonym: Callable[[UUID], UUID]) -> Any:
    """Each id with a pseudonym in its place, unless it is a thing's."""
    if isinstance(thing, UUID):
        return pseudonym(thing)
    if isinstance(thing, Mapping):
        return {name: part if name in THINGS else disguised(part, pseudonym) for name, part in thing.items()}
    if isinstance(thing, list | tuple):
        return [disguised(part, pseudonym) for part in cast("Sequence[Any]", thing)]
    return thing
