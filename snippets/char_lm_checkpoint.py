"""A training in a file: what was interrupted goes on as if it had not been, bit for bit.

    Training --save--> file --resume, with the same text--> Training
                            --load_model--> CharLM

Five steps, a file, and five steps more are the same numbers as ten steps. So the file holds
everything that a step depends on: weights, what Adam remembers of them, the state that is
carried, dropout's generator, and how many steps there were, from which follow the place in
the text and the rate. It does not hold the text, but its hash: another one is refused.

A file is read as data (`weights_only`): nothing in it can run. It is written beside its place
and then moved there: whoever is interrupted has the one before.
"""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from snippets.char_lm import CharLM, Settings
from snippets.char_lm_measures import Codes
from snippets.char_lm_text import Vocabulary
from snippets.char_lm_training import Training
from snippets.files import write_whole

FORMAT = "char-lm 1"
NO_CHECKPOINT = (  # what torch.load and what follows raise for a file that is none
    *(AttributeError, EOFError, KeyError, IndexError, RuntimeError, TypeError, ValueError),
    *(pickle.UnpicklingError, zipfile.BadZipFile),
)


def save(training: Training, path: str | Path) -> None:
    """Write a training to a file; all of it or none."""
    vocabulary = training.model.vocabulary
    made = io.BytesIO()
    torch.save(
        {
            "format": FORMAT,
            "vocabulary": asdict(vocabulary),
            "settings": asdict(training.settings),
            **training.state_dict(),
        },
        made,
    )
    write_whole(path, made.getvalue())


def resume(path: str | Path, codes: Codes) -> Training:
    """Return the training of a file, at the step where it was saved; codes: its text, (N,).

    Raises ValueError, beginning with the path, for a file that is none, and for another text.
    """
    found = _read(path)
    try:
        training = Training(
            codes, Vocabulary(**found["vocabulary"]), Settings(**found["settings"]),
            seed=found["seed"],
        )  # fmt: skip
        training.load_state_dict(found)
    except NO_CHECKPOINT as error:
        raise _complaint(path, error) from error
    return training


def load_model(path: str | Path) -> CharLM:
    """Return the network of a file, as it was when it was saved.

    Raises ValueError, beginning with the path, for a file that is none.
    """
    found = _read(path)
    try:
        model = _model(found)
        model.load_state_dict(found["model"])
    except NO_CHECKPOINT as error:
        raise _complaint(path, error) from error
    return model


def _model(found: Mapping[str, Any]) -> CharLM:
    with torch.random.fork_rng(devices=[]):  # first weights are drawn, and then replaced
        return CharLM(Vocabulary(**found["vocabulary"]), Settings(**found["settings"]))


def vocabulary_of(path: str | Path) -> Vocabulary:
    """Return the vocabulary of a file: the text is read with it before `resume` is called."""
    try:
        return Vocabulary(**_read(path)["vocabulary"])
    except NO_CHECKPOINT as error:
        raise _complaint(path, error) from error


def _read(path: str | Path) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            if not zipfile.is_zipfile(file):
                raise ValueError("expected a file that `train` saved")
            file.seek(0)
            found = torch.load(file, map_location="cpu", weights_only=True)
        if not isinstance(found, dict) or found.get("format") != FORMAT:
            raise ValueError(f"expected format {FORMAT!r}")
    except NO_CHECKPOINT as error:
        raise _complaint(path, error) from error
    return found


def _complaint(path: str | Path, error: Exception) -> ValueError:
    if isinstance(error, ValueError) and str(error).startswith("text: "):
        return ValueError(f"{path}: {error}")
    first = str(error).split("\n")[0].split(". ")[0]  # torch's fills many lines
    return ValueError(f"{path}: not a checkpoint of char_lm: {first or type(error).__name__}")
