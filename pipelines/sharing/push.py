"""Pushes a trained model to the Hugging Face Hub, with a model card."""

import re
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pipelines.figures.image_grid import grid
from pipelines.sharing.card_captions import card_captions
from pipelines.sharing.model_card import (
    PICTURES,
    RunFacts,
    model_card,
    read_run_facts,
    unfinished_in_words,
)
from t2i_tf.errors import UsageError, UserError
from t2i_tf.files import write_atomically
from t2i_tf.hub import hugging_face
from t2i_tf.hub.find_preset import find_preset
from t2i_tf.hub.preset_folder import FILES, Dtype
from t2i_tf.hub.pretrained import PretrainedModel
from t2i_tf.hub.tasks import TextToImage

SEEDS = 4  # drawings of each caption on the card
CARD = "README.md"


class Shared(NamedTuple):
    """What was made and sent."""

    kind: str  # class in `t2i_tf` that loads it
    url: str | None  # in a browser; None where nothing was sent
    size: int  # of all files, bytes
    remarks: list[str]  # sentences: what the card lacks, shows without knowing, or leaves out
    card_kept: bool  # whether a card that was there already stays, and is the one that is sent


def push(
    run: str | Path,
    address: str,
    *,
    captions: Sequence[str] = (),
    dtype: Dtype = "float32",
    licence: str = "apache-2.0",
    private: bool = False,
    message: str | None = None,
    out: Path | None = None,
    send: bool = True,
) -> Shared:
    """Make a preset with a model card out of a run, and send it to the hub.

    Args:
        run: work folder, or whatever `from_preset` loads.
        address: hf://user/name; the repository is made where it is missing, else it gets a commit.
        captions: captions of the card's drawings; by default some that the model knows the words
            of.
        dtype: of the weights.
        licence: identifier of the weights' licence on the hub.
        private: whether a new repository is private.
        message: of the commit.
        out: folder that keeps what is sent; a card that is there already is sent as it is.
        send: whether to send it.

    Raises:
        UsageError: the address, the dtype or the licence is no such thing.
        UserError: the run cannot be used, `out` cannot be written, or the hub cannot be reached or
            refuses.
    """
    check = hugging_face.check_can_send if send else hugging_face.parse
    check(address)
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]*", licence):
        raise UsageError(
            "Expected --licence to be an identifier of the hub, such as apache-2.0, cc-by-4.0 or"
            f" other, got {licence!r}."
        )
    found = find_preset(run)
    model = PretrainedModel.from_preset(found)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "preset" if out is None else Path(out)
        card_kept = (folder / CARD).is_file()
        remarks = write_shared(model, found, folder, address, captions, dtype, licence)
        size = sum(path.stat().st_size for path in folder.iterdir())
        message = message or f"{model.network.title}, step {model.parts.step}"
        url = None
        if send:
            url = hugging_face.upload(
                folder, address, files=(*FILES, PICTURES, CARD), private=private, message=message
            )
    return Shared(type(model).__name__, url, size, remarks, card_kept)


def write_shared(
    model: PretrainedModel,
    run: Path,
    folder: Path,
    address: str,
    captions: Sequence[str],
    dtype: Dtype,
    licence: str,
) -> list[str]:
    """Write the preset, its pictures and its card; returns remarks on the card. See `push`."""
    if (folder / CARD).is_file():  # people edit cards
        model.save_to_preset(folder, dtype)
        return [
            f"{folder / CARD} stays as it is, with its pictures, whatever it says of step, figures"
            " and licence: delete it for a new card."
        ]
    facts = read_run_facts(run, model.parts.step)
    shown = card_captions(model, captions) if isinstance(model, TextToImage) else []
    pictures = _grid(model, shown) if shown else None
    model.save_to_preset(folder, dtype)
    try:
        if pictures is not None:
            write_atomically(folder / PICTURES, lambda file: pictures.save(file, "PNG"))
        text = model_card(
            model,
            facts,
            address=address,
            licence=licence,
            dtype=dtype,
            captions=shown,
            seeds=SEEDS,
        )
        write_atomically(folder / CARD, lambda file: file.write(text.encode()))
    except OSError as error:
        raise UserError(f"{folder} cannot be written: {error.strerror}.") from error
    return _remarks(model, run, facts, shown)


def _remarks(model: PretrainedModel, run: Path, facts: RunFacts, shown: Sequence[str]) -> list[str]:
    unfinished, unknown = unfinished_in_words(model), model.unknown_words(shown)
    own_card = run / CARD  # of a preset
    remarks = {
        f"the words that its training was {unfinished}": unfinished,
        facts.remark: facts.remark and isinstance(model, TextToImage),  # others are not evaluated
        f"drawings of words that the model does not know: {unknown}": unknown,
        f"a text of its own, and nothing of {own_card}": own_card.is_file(),
    }
    return [f"The model card has {remark}." for remark, holds in remarks.items() if holds]


def _grid(model: TextToImage, captions: Sequence[str]):
    """The card's picture: a row for each caption, a column for each seed."""
    with warnings.catch_warnings(action="ignore"):  # of unknown words, which are said once
        by_seed = [model.generate(list(captions), seed) for seed in range(SEEDS)]
    return grid(np.stack(by_seed, axis=1), list(captions))
