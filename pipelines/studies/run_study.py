"""One study of one trained system: its figures, and its JSON, into a folder."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipelines.evaluation.settings import check_seed
from pipelines.studies.alignment import study_alignment
from pipelines.studies.caption_cycle import study_cycle
from pipelines.studies.compositions import study_compositions
from pipelines.studies.study_context import StudyContext
from pipelines.studies.study_result import Finding, StudyResult, write_finding
from pipelines.studies.word_flips import TITLES, study_flips
from t2i_tf.errors import UsageError, UserError, did_you_mean

STUDIES = ("compositions", *TITLES, "alignment", "cycle")


def study(
    name: str,
    workdir: Path | StudyContext,
    out: Path,
    *,
    data: Path | None = None,
    captioner: Path | None = None,
    sentences: Sequence[str] = (),
    seeds: int = 8,
    captions: int = 200,
    seed: int = 0,
) -> StudyResult:
    """Study a trained system, and write what was found.

        compositions   sentences of what hardly goes together, drawn from several seeds
        colours, backgrounds, objects
                       a word of a caption flips, the seeds stay: what changes, and where
        alignment      the attention over the words at every step: its entropy, and on which words
        cycle          caption to picture to caption

    Numbers of the judge are there for the scenes alone.

    Args:
        name: one of `STUDIES`.
        workdir: of the system, or a `Subject` already opened, for one study after another.
        out: folder for `NAME.json` and the figures, made where it is missing.
        data: the data folder that the system was trained on; `alignment` and `cycle` take captions
            of its split `test`.
        captioner: work folder of a captioner, for `cycle`.
        sentences: instead of the talk's, or of the captions of the data.
        seeds: pictures a caption, from the seeds `seed`, `seed` + 1, ...
        captions: of the data, how many.

    Raises:
        UsageError: no such study, nothing to study with, seeds or captions below 1, or a seed
            below 0.
        UserError: folders that do not hold what they should, or a system without what is studied.
    """
    if name not in STUDIES:
        raise UsageError(f"No study is called {name!r}. {did_you_mean(name, STUDIES)}")
    if min(seeds, captions) < 1:
        raise UsageError(f"Expected one seed and caption or more, got {seeds} and {captions}.")
    check_seed(seed)
    context = workdir if isinstance(workdir, StudyContext) else StudyContext.open(workdir, data)
    if name == "compositions":
        finding = study_compositions(context, sentences, seeds=seeds, seed=seed)
    elif name == "alignment":
        finding = study_alignment(context, sentences, captions=captions, seed=seed)
    elif name == "cycle":
        finding = study_cycle(context, sentences, captioner=captioner, captions=captions, seed=seed)
    else:
        finding = study_flips(name, context, sentences, seeds=seeds, seed=seed)
    unread = context.sampler.unknown_words(sentences)
    if unread:
        said = f"{finding.text} Unknown to the system, left unread: {', '.join(unread)}."
        finding = replace(finding, text=said)
    made = {"sentences": list(sentences), "unknown_words": unread, "seed": seed}
    return _write(Path(out), name, finding, context, made)


def _write(
    out: Path, name: str, finding: Finding, context: StudyContext, made: Mapping[str, Any]
) -> StudyResult:
    of = {"workdir": str(context.workdir), "system": context.title, "step": context.step}
    of |= {"data": context.folder and str(context.folder.path)}
    try:
        out.mkdir(parents=True, exist_ok=True)
        return write_finding(out, name, finding, of | dict(made))
    except OSError as error:
        raise UserError(f"{out} cannot be written: {error.strerror}.") from error
