"""What each command accepts: dataclasses from which the flags and the help are made."""

import shlex
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import AvoidSubcommands, Positional, arg

from pipelines.comparison.paper_results import System
from pipelines.comparison.plan import DEFAULT_SYSTEMS, Part, World
from pipelines.evaluation.settings import Sizes
from t2i_tf.config import ModelConfig, TrainConfig


@dataclass(frozen=True)
class Scenes:
    """Draw the scenes: pictures with captions, made here, in COCO's layout.

    The same seed gives the same bytes. The split `held_out` holds what training never sees: stop
    signs, school buses and herds of elephants in blue skies, and one colour of every coloured
    object.
    """

    out: Positional[Path]
    """Folder to make, or to finish."""
    train: int = 20_000
    """Pictures of each split."""
    val: int = 1_000
    test: int = 1_000
    held_out: int = 1_000
    seed: int = 0
    """Another seed is another set of pictures."""
    workers: int | None = None
    """Processes; one a core where not given."""


@dataclass(frozen=True)
class Prepare:
    """Make the data folder that training reads: pictures and captions to TFRecords.

    Broken off, the same command goes on; finished, it does nothing. Pictures that cannot be read
    are named in OUT/manifest.json.
    """

    out: Path
    """Data folder to make, or to finish."""
    source: Literal["coco", "mnist-captions", "folder"] = "coco"
    """`coco`: a folder in COCO's layout, the scenes too; `folder`: your own pictures and a table of
    captions; `mnist-captions`: two digits or one on a canvas, from no input."""
    input: Path | None = None
    """Folder of the pictures; COCO's has `annotations/` in it."""
    captions: Path | None = None
    """Of `folder`: CSV or JSONL with the fields `file` and `caption`, a line for each caption."""
    year: Literal["2014", "2017"] | None = None
    """Of `coco`, where both are there."""
    karpathy: Path | None = None
    """Of `coco`: dataset_coco.json, whose splits replace the official ones."""
    seed: int = 0
    """Of `folder`'s splits and of `mnist-captions`."""
    height: int | None = None
    """Pixels; 32 where not given, 60 for mnist-captions."""
    width: int | None = None
    """Pixels; as the height where not given."""
    channels: Literal[1, 3] | None = None
    """Grey or colour; 3 where not given, 1 for mnist-captions."""
    filter: str = "lanczos3"
    """Of the resizing, with antialiasing."""
    crop: str = "squash"
    """To another shape: `squash`, cut out the `centre`, or `pad`."""
    shard_size: int = 512
    """Pictures in a file."""
    min_count: int = 1
    """Rarer words are unknown."""
    max_bad: float = 0.01
    """Fail if a larger share of the pictures cannot be used."""
    workers: int | None = None
    """Pictures decoded at a time."""
    verify: bool = False
    """Only hash the shards of a finished folder again."""


@dataclass(frozen=True)
class Train:
    """Train a model on a data folder; the same command again goes on at the exact step.

    Ctrl-C saves first. `tensorboard --logdir WORKDIR/tensorboard` shows the bound and the drawings.
    """

    data: Path
    """Data folder, made by `prepare`."""
    workdir: Path
    """Work folder of the run: config, checkpoints, history, samples, TensorBoard."""
    preset: str = "align-draw-scenes"
    """Where all settings below begin: the defaults shown are this preset's."""
    mode: Literal["auto", "ram", "stream"] = "auto"
    """Read the records once into memory, or from the files all along; auto: ram if they fit."""
    smoke: bool = False
    """Two steps of everything, to see that it works."""
    overfit: int | None = None
    """Train on the first N captions alone: the loss must fall."""
    checkpoint_seconds: float = 120.0
    """The longest time that a crash can cost."""
    sentences: Path | None = None
    """The encoder of a system that reads sentence vectors: a skip-thought run, the folder of the
    published files, or a saved encoder. Needed once: the vectors are kept beside the data."""
    reconstructions: Path | None = None
    """For --model.pairs reconstructions: the run whose blurry reconstructions are sharpened."""
    config: Annotated[AvoidSubcommands[TrainConfig[ModelConfig]], arg(name="")] = field(
        default_factory=TrainConfig
    )


@dataclass(frozen=True)
class Generate:
    """Draw captions with a trained model: a grid, a GIF of the drawing, the alignment."""

    captions: Positional[tuple[str, ...]]
    """What to draw, each in quotes."""
    workdir: Path
    """Work folder of a run."""
    out: Path | None = None
    """Folder for the pictures; WORKDIR/drawings where not given."""
    n: int = 8
    """Pictures a caption."""
    seed: int = 0
    """The first picture's; a caption with a seed is one picture."""
    temperature: float = 1.0
    """Spread of the noise: 0 draws the mean, 1 as trained."""
    sharpen: Path | None = None
    """Work folder of a sharpener: each picture once more, with edges."""


@dataclass(frozen=True)
class Caption:
    """Describe pictures with a trained captioner, and show where it looked for each word.

    With --data, score the captions of a split: BLEU-4 and CIDEr, and on the scenes how often object
    and colour are named right.
    """

    workdir: Path
    """Work folder of a captioner's run."""
    pictures: Positional[tuple[Path, ...]] = ()
    """Picture files; none are needed with --data."""
    out: Path | None = None
    """Folder for the captions, figures and scores; WORKDIR/captions where not given."""
    beam: int = 3
    """Hypotheses that the search keeps; 1 takes the most probable word each time."""
    data: Path | None = None
    """Data folder whose pictures are described and scored."""
    split: str = "test"
    """Of the data folder."""
    limit: int | None = None
    """Score the first so many pictures of the split alone."""


@dataclass(frozen=True)
class Gallery:
    """Draw the same captions with several systems: a picture with a row for each."""

    captions: Positional[tuple[str, ...]]
    """What to draw, each in quotes."""
    workdirs: tuple[Path, ...]
    """Work folders of the systems."""
    out: Path = Path("gallery.png")
    """The picture."""
    sharpen: Path | None = None
    """Work folder of a sharpener, for a row with what it makes of the first system's pictures."""
    seed: int = 0
    """Of every picture."""


@dataclass(frozen=True)
class Sharpness:
    """Measure what a sharpener does to drawings of scenes: their edges, and what they show."""

    workdir: Path
    """Work folder of the system that draws."""
    sharpen: Path
    """Work folder of the sharpener."""
    data: Path
    """Data folder of the scenes."""
    pictures: int = 500
    """How many test captions are drawn."""
    seed: int = 0
    """Of the first drawing."""
    out: Path | None = None
    """File for the JSON."""


@dataclass(frozen=True)
class Study:
    """Study a trained system as the talk does: figures, and numbers as JSON.

    Without sentences, the talk's are taken where the model knows their words.
    """

    name: Positional[
        Literal["compositions", "colours", "backgrounds", "objects", "alignment", "cycle"]
    ]
    """`compositions`: things never seen together; `colours`, `backgrounds`, `objects`: one word
    flips, the seeds stay; `alignment`: which words each step attends to; `cycle`: caption to
    picture to caption."""
    workdir: Path
    """Work folder of the system."""
    sentences: Positional[tuple[str, ...]] = ()
    """What to draw instead, each in quotes; of a flip, the reference first."""
    data: Path | None = None
    """Data folder that it was trained on; `alignment` and `cycle` take test captions of it."""
    captioner: Path | None = None
    """Work folder of a captioner, for `cycle`."""
    out: Path | None = None
    """Folder for the figures and the JSON; WORKDIR/studies where not given."""
    seeds: int = 8
    """Pictures a caption."""
    captions: int = 200
    """Test captions that `alignment` and `cycle` take."""
    seed: int = 0
    """Of the first picture."""


@dataclass(frozen=True)
class Evaluate:
    """Measure a trained system: bounds, retrieval, similarity, caption accuracy, and more.

    A table, and WORKDIR/evaluation.json, each figure with its 95 % interval. A system without a
    bound, the LAPGAN, has none and cannot retrieve.
    """

    workdir: Path
    """Work folder of the system."""
    data: Path
    """Data folder that it was trained on."""
    sharpen: Path | None = None
    """Work folder of a sharpener, for the figures after sharpening."""
    out: Path | None = None
    """File for the JSON; WORKDIR/evaluation.json where not given."""
    split: str = "test"
    """Of the data folder."""
    seed: int = 0
    """Of all noise."""
    inception: Path | None = None
    """InceptionV3's weights without its top, as keras.applications has them (.h5): precision,
    recall and KID by its features too."""
    sizes: Annotated[Sizes, arg(name="")] = field(default_factory=Sizes)


@dataclass(frozen=True)
class Compare:
    """Train every system with the same budget, measure each, and write tables and a report.

    The paper's tables with its figures beside ours, its studies, and one page with all of it.
    Broken off, the same command goes on; what is trained and measured is not done again.
    """

    data: Path
    """Data folder, made by `prepare`."""
    workdir: Path
    """Folder for the runs, tables.md, tables.json and report.html."""
    minutes: float
    """Of training, of every system; of the sharpener and the captioner too."""
    systems: tuple[System, ...] = DEFAULT_SYSTEMS
    """In the order in which they are trained."""
    world: World | None = None
    """Whose presets; guessed from the data folder's source where not given. `tiny`: to see that it
    works."""
    encoder_minutes: float | None = None
    """Of training, of the sentence encoder; a quarter of the others' where not given."""
    sentences: Path | None = None
    """A sentence encoder that is there, as `train` takes it, instead of one trained here."""
    without: tuple[Part, ...] = ()
    """What is left out."""
    seed: int = 0
    """Of every run."""

    def command_line(self) -> str:
        """The command line with these options, without those that have their default."""
        words = ["python", "-m", "pipelines", "compare"]
        for option in fields(self):
            value = getattr(self, option.name)
            if value != option.default:
                values = value if isinstance(value, tuple) else (value,)
                words += [f"--{option.name.replace('_', '-')}", *values]
        return shlex.join(f"{word:g}" if isinstance(word, float) else str(word) for word in words)


@dataclass(frozen=True)
class Demo:
    """Make scenes, train alignDRAW in front of you, draw captions it never saw, write a report."""

    folder: Path = Path("runs/demo")
    """Where everything goes; the same folder goes on where it stopped."""
    minutes: float | None = None
    """Of training; those of the preset align-draw-scenes where not given."""


@dataclass(frozen=True)
class Benchmark:
    """Time one part beside its floor, and write the figures as JSON."""

    name: Positional[Literal["train-step", "input", "prepare", "generate"]]
    """`train-step`: beside the bare matrix products of the same step; `input`: examples per CPU
    second; `prepare`: JPEGs of 640x480 per CPU second; `generate`: pictures per second."""
    preset: str = "align-draw-scenes"
    """Of the model, its batch size and its optimizer."""
    batch_size: int | None = None
    """Instead of the preset's."""
    data: Path | None = None
    """Data folder for `input`, folder of JPEGs for `prepare`; made where not given."""
    repeats: int = 10
    """Timed rounds after the warm-up, at least 10."""
    out: Path | None = None
    """File for the JSON."""
