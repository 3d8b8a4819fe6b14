"""The model card of a shared model: README.md, with the header that the hub reads."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import msgspec

from pipelines.evaluation.results import FILE, Evaluation, read_evaluation
from pipelines.evaluation.summary_table import evaluation_figures, evaluation_notes
from pipelines.fine_tuning.initial_weights import InitRecord, read_init_record
from pipelines.training.workdir import DATA_MANIFEST, flat
from t2i_tf.budget import budget_in_words
from t2i_tf.config import ConvDrawConfig, DrawConfig, LapganConfig, ModelConfig
from t2i_tf.hub import hugging_face
from t2i_tf.hub.preset_folder import COPY_AGAIN
from t2i_tf.hub.pretrained import PretrainedModel
from t2i_tf.image_ops import image_shape, shape_in_words
from t2i_tf.json_files import read_json

PICTURES = "pictures.png"
_TEMPLATE = Path(__file__).with_name("model_card.md.j2")
_PIPELINES = {  # class of the model -> the hub's name for what it does
    "TextToImage": "text-to-image",
    "ImageToText": "image-to-text",
    "ImageToImage": "image-to-image",
    "TextToVector": "feature-extraction",
}


class RunFacts(NamedTuple):
    """What a work folder says about a run besides its weights."""

    data: Mapping[str, Any] | None  # manifest of the data; None where the folder has none
    init: InitRecord | None  # the model that it began from; None if from initial weights
    evaluation: Evaluation | None  # None where the checkpoint was not measured
    remark: str  # why there is no evaluation, or ""


def read_run_facts(run: Path, step: int) -> RunFacts:
    """What a work folder says about its run; nothing for a preset.

    Args:
        run: work folder or preset.
        step: the checkpoint that is shared: an evaluation of another one is left out.

    Raises:
        UserError: one of the files is damaged.
    """
    data, init = _read_manifest(run / DATA_MANIFEST), read_init_record(run)
    if not (run / FILE).is_file():
        return RunFacts(
            data,
            init,
            None,
            f"no figures: there is no {FILE} (`python -m pipelines evaluate` writes it)",
        )
    evaluation = read_evaluation(run / FILE)
    if evaluation.run and evaluation.run.step != step:
        return RunFacts(
            data,
            init,
            None,
            f"no figures: {FILE} is that of step {evaluation.run.step}, not {step}"
            " (`python -m pipelines evaluate` measures it again)",
        )
    return RunFacts(data, init, evaluation, "")


class _Split(msgspec.Struct):
    examples: int
    captions: int


class _Manifest(msgspec.Struct):
    """The parts of a data manifest that the card shows."""

    source: str | None = None
    splits: dict[str, _Split] = {}


def _read_manifest(path: Path) -> dict[str, Any] | None:
    return msgspec.to_builtins(read_json(path, _Manifest, COPY_AGAIN)) if path.is_file() else None


def model_card(
    model: PretrainedModel,
    facts: RunFacts,
    *,
    address: str,
    licence: str,
    dtype: str,
    captions: Sequence[str],
    seeds: int,
) -> str:
    """The text of README.md.

    Args:
        model: the shared model.
        facts: what is known of its run.
        address: hf://user/name.
        licence: identifier of the hub, such as apache-2.0.
        dtype: of the weights in the file.
        captions: captions of the grid's rows, none for a model that draws nothing.
        seeds: drawings of each caption, from seed 0.
    """
    config, step = model.settings, model.parts.step
    data = facts.data or model.parts.data if step else {}  # imported weights are not of these data
    captions = [" ".join(caption.replace("`", "'").split()) for caption in captions]
    environment = jinja2.Environment(
        autoescape=False,  # Markdown, not HTML
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["cell"] = _cell
    return environment.from_string(_TEMPLATE.read_text()).render(
        name=address.rpartition("/")[2].partition("@")[0],
        address=address,
        kind=type(model).__name__,
        pipeline=_PIPELINES[type(model).__name__],
        title=model.network.title,
        paper=model.network.paper,
        licence=licence,
        dtype=dtype,
        captions=captions,
        example=json.dumps(captions[0], ensure_ascii=False) if captions else "",
        seeds=seeds,
        pictures=PICTURES,
        size=shape_in_words(image_shape(config.model)) if hasattr(config.model, "height") else "",
        words=len(model.reader.vocabulary),
        max_words=config.max_words,
        weights=model.count_params(),
        step=step,
        unfinished=unfinished_in_words(model),
        init=facts.init,
        began_from=_public_name(facts.init),
        base_model=_repository(facts.init),
        steps=_steps_in_words(config.model),
        can_be_guided=getattr(model.network, "has_empty_caption", False)
        and model.network.can_be_guided,
        source=data.get("source"),
        splits=data.get("splits", {}),
        evaluation=facts.evaluation,
        figures=evaluation_figures(facts.evaluation) if facts.evaluation else [],
        notes=evaluation_notes(facts.evaluation) if facts.evaluation else [],
        settings=flat(config),
    )


def _steps_in_words(config: ModelConfig) -> str:
    """What the steps of a drawing show besides the picture; "" for a system without steps."""
    if isinstance(config, LapganConfig):
        return "the canvas after every stage"
    if not isinstance(config, DrawConfig | ConvDrawConfig):
        return ""
    shown = ["the canvas after every step"]
    if isinstance(config, ConvDrawConfig) or config.conditioning == "align":
        shown.append("the attention over the words")
    if isinstance(config, DrawConfig):
        shown.append("the windows")
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))


def _cell(value: Any) -> str:
    """A value in a table of Markdown, where bars end a cell, as in L(x|y)."""
    return str(value).replace("|", "\\|")


def unfinished_in_words(model: PretrainedModel) -> str:
    """That a training was not finished, and how far it came; "" if it was, or is not known."""
    done = model.parts.share_done
    if done is None or done >= 1:
        return ""
    percent = int(100 * done + 1e-6)  # never 100
    return f"not finished: {percent} % of its {budget_in_words(model.settings)} were done"


def _public_name(init: InitRecord | None) -> str:
    """What a training began from; of the path of a folder the name, as the rest is private."""
    address = init.init if init else ""
    return address if hugging_face.is_address(address) else Path(address).name


def _repository(init: InitRecord | None) -> str:
    """user/name of the model that a training began from, or "" where that is not on the hub."""
    address = init.init if init else ""
    return hugging_face.parse(address).repository if hugging_face.is_address(address) else ""
