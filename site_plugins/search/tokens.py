"""From text to the words that the index files and the query asks for.

    text --clean--> text --pieces--> (piece, ...) --parts--> (token, ...)

    >>> tokens("Viterbi_decodes 隐马尔")
    ['viterbi_decodes', 'viterbi', 'decode', '隐马', '马尔', '尔']

An identifier is kept whole and also split into its words, which lose their plural. Chinese,
Japanese and Korean are written without spaces, so a run of them gives its pairs of neighbours,
and then its last character alone: every character begins some token, and a prefix search finds
them all. A formula is its commands and letters: those that only say how letters look are
dropped, and a Greek letter that stands alone is its name, since α and \\alpha are one.

`worker.js` has the same functions under the same names, because a query finds only what was
filed under the same word; `tests/search/golden_tokens.json` holds the two together. For that
reason the classes of characters are written out here as ranges: a browser's tables of Unicode
are newer than Python's, and the two would disagree about young characters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Sequence
from itertools import pairwise

LONGEST = 64  # characters of a word; pasted base64 comes in pieces of this length

# Kana, Han and Hangul, each with the marks that are written inside its words.
_CJK = (
    "\u3005-\u3007\u3031-\u3035\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3105-\u312f\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff"
)
# What stands between words: ASCII but letters, digits and `_`, then Latin-1's signs, the
# punctuation of other scripts, arrows, operators, boxes, surrogates, private use, emoji.
_SEPARATORS = (
    "\x00-/:-@\\[-^`{-\xa9\xab-\xb4\xb6-\xb9\xbb-\xbf\xd7\xf7"
    "\u037e\u0387\u055a-\u055f\u0589-\u058f\u05be\u05c0\u05c3\u05c6\u05f3\u05f4\u0600-\u060f"
    "\u061b-\u061f\u066a-\u066d\u06d4\u0964\u0965\u2000-\u206f\u20a0-\u20cf\u2190-\u245f"
    "\u2500-\u2bff\u2e00-\u2e7f\u2ff0-\u3004\u3008-\u3020\u3030\u3036\u3037\u303d-\u303f\u30a0"
    "\u30fb\u31c0-\u31ef\u3200-\u33ff\ud800-\uf8ff\ufe00-\ufe6f\uff00-\uff0f\uff1a-\uff20"
    "\uff3b-\uff3e\uff40\uff5b-\uff65\uffe0-\uffff\U0001f000-\U0001faff\U000e0000-\U0010ffff"
)
_PIECE = re.compile(f"[{_CJK}]+|[^{_CJK}{_SEPARATORS}]{{1,{LONGEST}}}")
_CJK_FIRST = re.compile(f"[{_CJK}]")


# The words of an identifier: acronyms in the plural, acronyms, others, numbers.
_WORD = re.compile("[A-Z]{2,}s(?![^A-Z0-9_])|[A-Z]+(?![^A-Z0-9_])|[A-Z]?[^A-Z0-9_]+|[0-9]+")
_STYLE = re.compile(
    r"\\(?:mathbf|mathbb|mathcal|mathrm|mathit|mathsf|mathtt|mathfrak|mathop|boldsymbol|bm|pmb"
    r"|text|textbf|textit|textrm|operatorname|left|right|big|bigl|bigr|Big|Bigl|Bigr|displaystyle"
    r"|textstyle|limits|nolimits|quad|qquad|begin|end|aligned|boxed|overset|underset|phantom)"
    r"(?![A-Za-z])"
)
_LONGER = re.compile("(?:ss|x|z|sh|[tnr]ch)es$")  # classes, boxes, batches, but caches
_GREEK = re.compile("(?<![\u0370-\u03ff])[\u0391-\u03a9\u03b1-\u03c9](?![\u0370-\u03ff])")
_NAMES = (
    *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa"),
    *("lambda", "mu", "nu", "xi", "omicron", "pi", "rho", "sigma", "sigma", "tau", "upsilon"),
    *("phi", "chi", "psi", "omega"),
)


def tokens(text: str) -> list[str]:
    """Return the tokens of a text in reading order, repeated as often as they occur."""
    return [token for piece in pieces(clean(text)) for token in parts(piece)]


def line(text: str) -> str:
    """Return the words of a text with one space between them: what a phrase is looked for in."""
    return " ".join(word for piece in pieces(clean(text)) for word in words(piece))


def clean(text: str) -> str:
    """Return the text with the differences gone that a reader does not type.

    Width, ligatures and styled letters (NFKC), and what only dresses the letters of a formula.
    """
    plain = _STYLE.sub(" ", unicodedata.normalize("NFKC", text))
    plain = plain.replace("_{", "_").replace("}_", "_")
    return _GREEK.sub(_name, plain)


def _name(letter: re.Match[str]) -> str:
    code = ord(letter[0])
    return _NAMES[code - (0x3B1 if code >= 0x3B1 else 0x391)]


def pieces(text: str) -> list[str]:
    """Return the runs of word characters, those of CJK apart from the others."""
    return _PIECE.findall(text)


def is_cjk(piece: str) -> bool:
    """Return whether a piece, or a token, is one of Chinese, Japanese or Korean."""
    return _CJK_FIRST.match(piece) is not None


def parts(piece: str) -> list[str]:
    """Return the tokens of one piece, the whole before its parts."""
    if is_cjk(piece):
        return [piece[i : i + 2] for i in range(len(piece))]  # the last is one character
    found = words(piece)
    whole = lower(piece)
    if len(found) == 1 and whole.strip("_") == whole:
        return found
    return [whole, *found] if found else []


def pairs(found: Sequence[str], common: Container[str]) -> list[str]:
    """Return the pairs of neighbours among pieces of which one is a common word.

    A run of CJK takes part with its first two characters, or its last two.
    """
    ends = [_ends(piece) for piece in found]
    both = [(left[1], right[0]) for left, right in pairwise(ends)]
    return [f"{one} {other}" for one, other in both if one in common or other in common]


def _ends(piece: str) -> tuple[str, str]:
    if is_cjk(piece):
        return piece[:2], piece[-2:]
    found = words(piece) or [""]
    return found[0], found[-1]


def words(piece: str) -> list[str]:
    """Return the words of one piece, in lower case and in the singular; a run of CJK is one."""
    if is_cjk(piece):
        return [piece]
    return [singular(lower(word)) for word in _WORD.findall(piece)]


def lower(text: str) -> str:
    """Return a word in lower case.

    Not `str.casefold`, which browsers lack: lower case, and the two letters at which lower case
    and folding part in practice.
    """
    return text.lower().replace("ς", "σ").replace("ß", "ss")


def singular(word: str) -> str:
    """Return an English word without the s of its plural; -ss, -us and -is are none.

    Rough, and the same on both sides: what is filed wrongly is looked for wrongly, and found.
    """
    if len(word) < 4 or word[-1] != "s" or word[-2] in "sui":
        return word
    if _LONGER.search(word):
        return word[:-2]
    return word[:-3] + "y" if word.endswith("ies") and len(word) > 4 else word[:-1]
