"""Every model by name, so that a program can be asked for "ease:penalty=100".

    name[:setting=value]..., ratings --fit--> Scorer

A name stands for a function of the module of its idea, which is imported when it is asked for:
who wants popularity need not wait for torch. Settings are the function's own keywords.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from snippets.recommenders.ratings import Ratings
from snippets.recommenders.top import Scorer

Fit = Callable[..., Scorer]

# name: (module, function, settings that are not the function's defaults)
MODELS: Mapping[str, tuple[str, str, Mapping[str, Any]]] = {
    "popularity": ("popularity", "popularity", {}),
    "bayes": ("popularity", "bayesian_average", {"prior_count": 10.0}),
    "decayed": ("models", "decayed", {}),
    "item-knn": ("neighbours", "item_knn", {"keep": 400}),  # all of them are I x I
    "user-knn": ("neighbours", "user_knn", {"keep": 400}),
    "ease": ("ease", "ease", {}),
    "blend": ("models", "blend", {}),
    "svd": ("factorisation", "svd", {}),
    "biases": ("biases", "biases", {}),
    "als": ("factorisation", "als", {}),
    "implicit-als": ("implicit", "implicit_als", {}),
    "rp3beta": ("graph", "rp3beta", {}),
}
LIFE = 1 / 26  # a half-life is this share of the time of training if not given: of a year 14 days


def fitting(asked: str) -> Callable[[Ratings], Scorer]:
    """Return the function that fits the model of "name[:setting=value]...".

    Raises ValueError for a name or a setting that is not known, with the nearest one.
    """
    name, *settings = asked.strip().split(":")
    if name not in MODELS:
        raise ValueError(f"models: no {name!r}{_near(name, list(MODELS))}")
    module, function, given = MODELS[name]
    fit: Fit = getattr(import_module(f"snippets.recommenders.{module}"), function)
    chosen = {**given, **dict(_setting(name, text, fit) for text in settings)}
    return lambda ratings: fit(ratings, **chosen)


def _setting(name: str, text: str, fit: Fit) -> tuple[str, Any]:
    """Return the keyword and the value of "setting=value"."""
    setting, mark, value = text.partition("=")
    setting = setting.strip().replace("-", "_")
    if not mark:
        raise ValueError(f"models: {name}: expected setting=value, found {text!r}")
    parameters = inspect.signature(fit).parameters.values()
    known = [each.name for each in parameters if each.kind is each.KEYWORD_ONLY]
    if setting not in known:
        raise ValueError(f"models: {name} has no setting {setting!r}{_near(setting, known)}")
    return setting, _value(value.strip())


def _value(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return {"true": True, "false": False, "none": None}.get(text.lower(), text)


def _near(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(known) or 'none'}"


# Models of more than one idea ---------------------------------------------------------------


def decayed(ratings: Ratings, *, half_life: float | None = None) -> Scorer:
    """Return popularity that fades; a half-life in the unit of the times, or a share of them."""
    from snippets.recommenders.popularity import decayed as fading

    return fading(ratings, half_life=half_life or _life(ratings))


def blend(ratings: Ratings, *, penalty: float = 100.0, half_life: float | None = None) -> Scorer:
    """Return EASE times the root of popularity that fades: somebody's taste, and the day's."""
    from snippets.recommenders.ease import ease
    from snippets.recommenders.popularity import Blend
    from snippets.recommenders.popularity import decayed as fading

    popular = fading(ratings, half_life=half_life or _life(ratings))
    return Blend(ease(ratings, penalty=penalty), popular)


def _life(ratings: Ratings) -> float:
    times = ratings.times
    span = float(times.max() - times.min()) if len(times) else 0.0
    return LIFE * span or 1.0
