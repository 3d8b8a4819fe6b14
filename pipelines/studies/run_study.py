"""Runs one study of a trained system, and writes its figures and its JSON to a folder."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipelines.studies.alignment import study_alignment
from pipelines.studies.bits_per_dim.picture_bits import study_bits
from pipelines.studies.caption_cycle import study_cycle
from pipelines.studies.compositions import study_compositions
from pipelines.studies.photographs.agreement import study_agreement
from pipelines.studies.photographs.copying import study_copying
from pipelines.studies.study_context import StudyContext
from pipelines.studies.study_result import StudyOutput, StudyResult, write_study
from pipelines.studies.word_flips import TITLES, study_flips
from t2i_tf.errors import UsageError, UserError, did_you_mean
from t2i_tf.number_ranges import check_flags

STUDIES = ("compositions", *TITLES, "alignment", "cycle", "agreement", "copying", "bits")


def study(
    name: str,
    workdir: str | Path | StudyContext,
    out: Path,
    *,
    data: Path | None = None,
    captioner: str | Path | None = None,
    ratings: Path | None = None,
    open_judge: bool = False,
    sentences: Sequence[str] = (),
    seeds: int = 8,
    captions: int = 200,
    seed: int = 0,
) -> StudyResult:
    """Study a trained system, and write the results.

        compositions   captions of unlikely scenes, drawn from several seeds
        colours, backgrounds, objects
                       a word of a caption changes, the seeds stay: how much changes, and where
        alignment      the attention over the words at every step: its entropy and its words
        cycle          caption to image to caption
        agreement      people's ratings of pictures with captions, and the system's score of them
        copying        the training picture nearest to each drawing
        bits           the bits that the test pictures take, by the system and by other coders

    Only scenes have a judge, and metrics that need one.

    Args:
        name: Study, one of `STUDIES`.
        workdir: Work folder or preset of the system, or an open `StudyContext`, for several
            studies of it.
        out: Folder for `NAME.json` and the figures, made where it is missing.
        data: Data folder that the system was trained on; `alignment` and `cycle` take captions of
            its split `test`, `bits` its pictures.
        captioner: Work folder or preset of a captioner, for `cycle`.
        ratings: Flickr8k's file of people's ratings, for `agreement`.
        open_judge: Whether `copying` uses the features of EfficientNet-Lite0, not of the data's
            own classifier.
        sentences: Captions instead of the talk's, or of those of the data.
        seeds: Images of each caption, from the seeds `seed`, `seed` + 1, ...; samples of each bound
            for `agreement`.
        captions: Number of captions of the data.
        seed: First seed.

    Raises:
        UsageError: the study does not exist or has nothing to study, seeds or captions are below 1,
            or the seed is below 0.
        UserError: a folder does not hold what it should, or the system cannot be studied this way.
    """
    _check(name, seeds, captions, seed)
    context = workdir if isinstance(workdir, StudyContext) else StudyContext.open(workdir, data)
    if name == "compositions":
        output = study_compositions(context, sentences, seeds=seeds, seed=seed)
    elif name == "alignment":
        output = study_alignment(context, sentences, captions=captions, seed=seed)
    elif name == "cycle":
        output = study_cycle(context, sentences, captioner=captioner, captions=captions, seed=seed)
    elif name == "agreement":
        output = study_agreement(context, ratings=ratings, samples=seeds, seed=seed)
    elif name == "copying":
        output = study_copying(context, captions=captions, open_judge=open_judge, seed=seed)
    elif name == "bits":
        output = study_bits(context, captions=captions, seed=seed)
    else:
        output = study_flips(name, context, sentences, seeds=seeds, seed=seed)
    unknown = context.sampler.unknown_words(sentences)
    if unknown:
        note = (
            f"Not in the system's vocabulary, and read as one unknown word: {', '.join(unknown)}."
        )
        output = replace(output, text=f"{output.text} {note}")
    made = {"sentences": list(sentences), "unknown_words": unknown, "seed": seed}
    return _write(Path(out), name, output, _about(context) | made)


def _check(name: str, seeds: int, captions: int, seed: int) -> None:
    if name not in STUDIES:
        raise UsageError(f"No study is called {name!r}. {did_you_mean(name, STUDIES)}")
    check_flags(seeds=seeds, captions=captions, seed=seed)


def _about(context: StudyContext) -> dict[str, Any]:
    """System and data, for the JSON."""
    return {
        "workdir": str(context.workdir),
        "system": context.title,
        "step": context.step,
        "data": context.folder and str(context.folder.path),
    }


def _write(out: Path, name: str, output: StudyOutput, made: dict[str, Any]) -> StudyResult:
    try:
        out.mkdir(parents=True, exist_ok=True)
        return write_study(out, name, output, made)
    except OSError as error:
        raise UserError(f"{out} cannot be written: {error.strerror}.") from error
