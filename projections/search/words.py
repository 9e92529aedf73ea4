"""What a text is found by, in one form whoever wrote it: words, trigrams of words, e-mail addresses, telephone numbers.

A mark is a text with its kind before it. Short texts, as names are, have `w:` of each word and `3:` of its trigrams, so
that a misspelt name is found; long ones have `l:` of each word alone. Both have `e:` of e-mail addresses and `t:` of
the last digits of telephone numbers.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

FEW_WORDS = 10  # more make a long text: among the trigrams of many words there are those of any
MOST_WORDS, LONGEST_WORD, LONGEST_TEXT = 5_000, 64, 200_000  # what stands behind them is not found
MOST_ASKED = 8
FULL, SPELT, LEAST = 1_000, 250, 300  # of a thing asked: the most, what its spelling counts, what must be reached

WORD = re.compile(r"[^\W_]+")
# bounded, and begun only where one may begin: else a text without spaces takes the square of its length
EMAIL = re.compile(r"(?<![\w.+'-])[\w.+'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
TELEPHONE = re.compile(r"(?<!\w)\+?\(?\d(?:[ ().\-/\t]{0,3}\d){6,15}(?!\w)")
SCHEME = re.compile(r"\b(?:mailto|tel):")
TRUNK = re.compile(r"\(0\)")
SHORTEST_NUMBER, LONGEST_NUMBER = 7, 9
LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "þ": "th", "\u0131": "i"})
Marks = Mapping[str, int]


def folded(text: str) -> str:
    """Without case, accents and other ways of writing the same letter or digit."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    plain = "".join(c for c in decomposed if not unicodedata.combining(c)).translate(LETTERS)
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in plain)


def words_of(text: str) -> list[str]:
    """Of a folded text, each once."""
    return list(dict.fromkeys(word[:LONGEST_WORD] for word in WORD.findall(text)))


def trigrams_of(word: str) -> list[str]:
    padded = f"  {word} "
    return list(dict.fromkeys(padded[n : n + 3] for n in range(len(padded) - 2)))


def marks_of(text: str) -> set[str]:
    """By which a text is found."""
    plain = folded(text[:LONGEST_TEXT])
    words = words_of(plain)[:MOST_WORDS]
    found = {f"e:{address}" for address in EMAIL.findall(plain)}
    found.update(f"t:{end}" for number in TELEPHONE.findall(plain) for end in endings_of(number))
    if len(words) > FEW_WORDS:
        found.update(f"l:{word}" for word in words)
        return found
    for word in words:
        found.add(f"w:{word}")
        found.update(f"3:{trigram}" for trigram in trigrams_of(word))
    return found


def endings_of(number: str) -> list[str]:
    """The last seven, eight and nine digits, as far as there are so many: the country's may stand before or not."""
    digits = re.sub(r"\D", "", TRUNK.sub("", number))
    return [digits[-n:] for n in range(SHORTEST_NUMBER, min(len(digits), LONGEST_NUMBER) + 1)]


class Asked(NamedTuple):
    """A word, an address or a number that is asked for.

    `marks` are what it may be found by, and how much each counts; what is found has LEAST of them at least.
    `probes` are marks of which it then has one at least, without the commonest. With one that is `whole` it has all.
    """

    text: str
    marks: Marks
    probes: Sequence[str]
    whole: Sequence[str]


def asked_of(question: str) -> Sequence[Asked]:
    """The things that are asked for in a few words; all of them must be found."""
    plain = SCHEME.sub(" ", folded(question))
    found: list[Asked] = []
    for pattern, ask in ((EMAIL, _address), (TELEPHONE, _number)):
        found += map(ask, pattern.findall(plain))
        plain = pattern.sub(" ", plain)
    found += map(_word, words_of(plain))
    return found


def _address(text: str) -> Asked:
    mark = f"e:{text}"
    return Asked(text, {mark: FULL}, [mark], [mark])


def _number(text: str) -> Asked:
    """The more digits are equal, the better; seven are too few where more are known."""
    ends = endings_of(text)
    shares = {1: (FULL,), 2: (SPELT, FULL - SPELT), 3: (SPELT, LEAST, FULL - SPELT - LEAST)}[len(ends)]
    marks = {f"t:{end}": share for end, share in zip(ends, shares, strict=True)}
    return Asked(text, marks, [mark for mark, share in marks.items() if share >= LEAST], list(marks)[-1:])


def _word(word: str) -> Asked:
    """Whole it counts in full; else its trigrams that are there, in equal shares."""
    trigrams = [f"3:{trigram}" for trigram in trigrams_of(word)]
    bounds = [(FULL - SPELT) * n // len(trigrams) for n in range(len(trigrams) + 1)]
    shares = [end - start for start, end in pairwise(bounds)]
    spare = _fewest(shares) - 1
    # beginnings and ends of words are the commonest trigrams
    common = [trigrams[0], trigrams[-1], *trigrams[1:2]][:spare]
    probes = [mark for mark in trigrams if mark not in common]
    marks = {f"w:{word}": SPELT, f"l:{word}": FULL, **dict(zip(trigrams, shares, strict=True))}
    return Asked(word, marks, [f"l:{word}", *probes], [f"w:{word}", f"l:{word}"])


def _fewest(shares: Sequence[int]) -> int:
    """So many trigrams reach LEAST."""
    total = 0
    for count, share in enumerate(sorted(shares, reverse=True), 1):
        total += share
        if total >= LEAST:
            return count
    return len(shares)
