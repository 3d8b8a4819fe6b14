"""What the commands do: each takes its options, calls the library, and prints what came of it."""

import dataclasses
import json
import math
import os
import platform
from functools import singledispatch
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from pipelines import options
from t2i_tf.errors import UsageError, UserError
from t2i_tf.files import write_atomically
from t2i_tf.presets import preset

console = Console(highlight=False, soft_wrap=True)


@singledispatch
def run(chosen) -> int:
    """Do what the options say; returns the exit code."""
    raise TypeError(f"no command for {type(chosen)}")


@run.register
def _(chosen: options.Scenes) -> int:
    from pipelines.data.scenes.dataset import write_scenes

    write_scenes(
        chosen.out,
        train=chosen.train,
        val=chosen.val,
        test=chosen.test,
        held_out=chosen.held_out,
        seed=chosen.seed,
        workers=chosen.workers,
    )
    console.print(f"Scenes are in {chosen.out}.")
    return 0


@run.register
def _(chosen: options.Prepare) -> int:
    from pipelines.data.preparation.prepare import prepare, verify

    if chosen.verify:
        console.print(f"{verify(chosen.out)} files of {chosen.out} are as they were written.")
        return 0
    mnist = chosen.source == "mnist-captions"
    height = chosen.height or (60 if mnist else 32)
    manifest = prepare(
        _source(chosen),
        chosen.out,
        height=height,
        width=chosen.width or height,
        channels=chosen.channels or (1 if mnist else 3),
        filter=chosen.filter,
        crop=chosen.crop,
        shard_size=chosen.shard_size,
        min_count=chosen.min_count,
        max_bad=chosen.max_bad,
        workers=chosen.workers,
    )
    _print_manifest(chosen.out, manifest)
    return 0


def _source(chosen: options.Prepare):
    from pipelines.data.sources.captioned_folder import FolderSource
    from pipelines.data.sources.coco import CocoSource
    from pipelines.data.sources.mnist_captions import MnistCaptionsSource

    if chosen.source == "mnist-captions":
        return MnistCaptionsSource(seed=chosen.seed)
    if chosen.input is None:
        raise UsageError(f"--source {chosen.source} reads a folder: name it with --input.")
    if chosen.source == "coco":
        return CocoSource(chosen.input, year=chosen.year, karpathy=chosen.karpathy)
    if chosen.captions is None:
        raise UsageError("--source folder needs --captions, a CSV or JSONL of file and caption.")
    return FolderSource(chosen.input, chosen.captions, seed=chosen.seed)


def _print_manifest(out: Path, manifest: dict) -> None:
    table = Table("split", "pictures", "captions", "files", title=str(out), title_justify="left")
    for name, split in manifest["splits"].items():
        counts = split["examples"], split["captions"], len(split["shards"])
        table.add_row(name, *(f"{count:,}" for count in counts))
    console.print(table)
    console.print(f"{manifest['vocabulary']['size']:,} words in the vocabulary.")
    skipped = manifest["skipped"]
    for entry in skipped[:20]:
        console.print(f"skipped {entry['file']}: {entry['reason']}", markup=False)
    if len(skipped) > 20:
        console.print(f"and {len(skipped) - 20} more, all named in {out / 'manifest.json'}")


@run.register
def _(chosen: options.Train) -> int:
    from pipelines.training.train import smoke, train

    config = smoke(chosen.config) if chosen.smoke else chosen.config
    outcome = train(
        config,
        chosen.data,
        chosen.workdir,
        mode=chosen.mode,
        overfit=chosen.overfit,
        checkpoint_seconds=chosen.checkpoint_seconds,
        sentences=chosen.sentences,
        reconstructions=chosen.reconstructions,
    )
    if outcome.interrupted:
        console.print(f"Stopped and saved at step {outcome.step}. The same command goes on.")
        return 130
    lowest = f"; lowest validation loss {outcome.loss:.1f} nats" * math.isfinite(outcome.loss)
    console.print(f"{outcome.step} steps in {outcome.seconds:.0f} s{lowest}. Next:")
    console.print(preset(chosen.preset).next.format(workdir=chosen.workdir, data=chosen.data))
    return 0


@run.register
def _(chosen: options.Generate) -> int:
    from pipelines.sampling.generate import generate

    out = chosen.out or chosen.workdir / "drawings"
    drawn = generate(
        chosen.workdir,
        chosen.captions,
        out,
        n=chosen.n,
        seed=chosen.seed,
        temperature=chosen.temperature,
        sharpen=chosen.sharpen,
    )
    for path in drawn.files:
        console.print(str(path))
    if drawn.unknown_words:
        words = ", ".join(drawn.unknown_words)
        console.print(f"Unknown to this model, left unread: {words}", markup=False)
    return 0


@run.register
def _(chosen: options.Caption) -> int:
    from pipelines.sampling.caption_files import caption_files
    from pipelines.sampling.captioner import Captioner
    from t2i_tf import checkpoints

    if not chosen.pictures and chosen.data is None:
        raise UsageError("Nothing to describe: name picture files, or a data folder with --data.")
    trained = checkpoints.load(chosen.workdir)
    captioner = Captioner(trained, beam=chosen.beam)
    out = chosen.out or chosen.workdir / "captions"
    if chosen.pictures:
        captioned = caption_files(captioner, chosen.workdir, chosen.pictures, out)
        for picture, one in zip(chosen.pictures, captioned.described, strict=True):
            console.print(
                f"{picture}: {one.caption} ({one.log_probability:.1f} nats)", markup=False
            )
        for path in captioned.files:
            console.print(str(path))
    if chosen.data is not None:
        _print_scores(chosen, captioner, trained.step, out)
    return 0


def _print_scores(chosen: options.Caption, captioner, step: int, out: Path) -> None:
    """Scores on a split: a table, and `scores-SPLIT.json` in the folder `out`."""
    from pipelines.data.prepared.data_folder import DataFolder
    from pipelines.evaluation.captioner_scores import score_captioner
    from t2i_tf.json_files import write_json

    scores = score_captioner(captioner, DataFolder.open(chosen.data), chosen.split, chosen.limit)
    table = Table("figure", "value", title=f"{chosen.split}: {scores.pictures:,} pictures")
    table.add_row("BLEU-4", f"{scores.bleu_4:.3f}")
    table.add_row("CIDEr", f"{scores.cider:.3f}")
    for name, share in (scores.named or {}).items():
        table.add_row(f"{name} named right", "-" if share is None else f"{share:.1%}")
    console.print(table)
    made = {"workdir": str(chosen.workdir), "step": step, "beam": chosen.beam}
    made |= {"data": str(chosen.data), "split": chosen.split}
    path = out / f"scores-{chosen.split}.json"
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_json(path, made | dataclasses.asdict(scores))
    except OSError as error:
        raise UserError(f"{out} cannot be written: {error.strerror}.") from error
    console.print(str(path))


@run.register
def _(chosen: options.Demo) -> int:
    from pipelines.demo.demo import demo

    demo(chosen.folder, minutes=chosen.minutes)
    return 0


@run.register
def _(chosen: options.Benchmark) -> int:
    from pipelines.benchmarks.run import benchmark

    result = {"benchmark": chosen.name, **benchmark(chosen), "machine": _machine()}
    for name, value in result.items():
        shown = f"{value:,.4g}" if isinstance(value, float) else value
        console.print(f"{name:>26}  {shown}")
    _write_json(chosen.out, result)
    return 0


@run.register
def _(chosen: options.Evaluate) -> int:
    from pipelines.evaluation.evaluate import FILE, evaluate
    from pipelines.evaluation.summary_table import evaluation_notes, evaluation_table

    result = evaluate(
        chosen.workdir,
        chosen.data,
        sharpen=chosen.sharpen,
        out=chosen.out,
        split=chosen.split,
        seed=chosen.seed,
        inception=chosen.inception,
        **dataclasses.asdict(chosen.sizes),
    )
    console.print(evaluation_table(result))
    for note in evaluation_notes(result):
        console.print(note, markup=False)
    console.print(str(chosen.out or chosen.workdir / FILE))
    return 0


@run.register
def _(chosen: options.Gallery) -> int:
    from pipelines.sampling.system_gallery import draw_gallery

    out = draw_gallery(
        chosen.workdirs, chosen.captions, chosen.out, sharpen=chosen.sharpen, seed=chosen.seed
    )
    console.print(str(out))
    return 0


@run.register
def _(chosen: options.Sharpness) -> int:
    from pipelines.evaluation.sharpness import measure_sharpness

    measured = measure_sharpness(
        chosen.workdir, chosen.sharpen, chosen.data, pictures=chosen.pictures, seed=chosen.seed
    )
    columns = list(measured["real"])
    table = Table("pictures", *columns)
    for name, figures in measured.items():
        table.add_row(name, *(f"{figures[column]:.3f}" for column in columns))
    console.print(table)
    _write_json(chosen.out, measured)
    return 0


@run.register
def _(chosen: options.Study) -> int:
    from pipelines.studies.run_study import study

    found = study(
        chosen.name,
        chosen.workdir,
        chosen.out or chosen.workdir / "studies",
        data=chosen.data,
        captioner=chosen.captioner,
        sentences=chosen.sentences,
        seeds=chosen.seeds,
        captions=chosen.captions,
        seed=chosen.seed,
    )
    columns = list(dict.fromkeys(name for row in found.table for name in row))
    table = Table(*columns, title=found.title, title_justify="left", box=SIMPLE_HEAD, padding=0)
    for row in found.table:
        table.add_row(*(_cell(row.get(column)) for column in columns))
    console.print(table)
    console.print(found.text, markup=False)
    for path in (*found.figures, found.json):
        console.print(str(path))
    return 0


@run.register
def _(chosen: options.Compare) -> int:
    from pipelines.comparison.compare import compare
    from pipelines.comparison.steps import Interrupted

    try:
        failed = compare(chosen)
    except Interrupted as stopped:
        console.print(str(stopped), markup=False)
        return stopped.exit_code
    for name in ("tables.md", "tables.json", "report.html"):
        if (chosen.workdir / name).exists():
            console.print(str(chosen.workdir / name))
    for title, why in failed.items():
        console.print(f"{title} failed: {why}", markup=False)
    return 1 if failed else 0


def _cell(value: str | float | None) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else f"{value:.3f}"


def _write_json(out: Path | None, result) -> None:
    if out is None:
        return
    if not out.parent.is_dir():
        raise UserError(f"{out.parent} is no folder: --out needs one that is there.")
    text = json.dumps(result, indent=2).encode()
    write_atomically(out, lambda file: file.write(text))


def _machine() -> str:
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
