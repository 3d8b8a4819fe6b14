"""The commands: each takes its options, calls the library, and prints the results."""

import dataclasses
import math
import os
import shlex
from functools import singledispatch
from pathlib import Path

from rich.console import Console
from rich.table import Column, Table

from pipelines.options import (
    Benchmark,
    Caption,
    Cluster,
    Compare,
    Demo,
    Evaluate,
    Gallery,
    Generate,
    ImportWeights,
    Prepare,
    Push,
    Scenes,
    Sharpness,
    Study,
    Train,
)
from pipelines.output_places import check_file, check_folder
from pipelines.typed_form import as_typed
from t2i_tf.errors import UsageError, UserError
from t2i_tf.json_files import write_json
from t2i_tf.presets import preset

console = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)


@singledispatch
def run(options) -> int:
    """Run the command that the options belong to, and return its exit code."""
    raise TypeError(f"No command has options of type {type(options).__name__}.")


@run.register
def _(options: Scenes) -> int:
    from pipelines.data.scenes.dataset import write_scenes

    write_scenes(
        options.out,
        train=options.train,
        val=options.val,
        test=options.test,
        held_out=options.held_out,
        seed=options.seed,
        workers=options.workers,
    )
    console.print(f"Scenes are in {options.out}.")
    return 0


@run.register
def _(options: Prepare) -> int:
    from pipelines.data.preparation.parts import Part, merge_parts, prepare_part
    from pipelines.data.preparation.prepare import prepare, verify

    if options.part and options.merge:
        raise UsageError("Give --part to prepare a part, or --merge to join all of them, not both.")
    if options.verify:
        console.print(f"All {verify(options.out)} files in {options.out} match their hashes.")
        return 0
    source = _source(options)
    height, channels = _usual_size(source)
    height = options.height or height
    sizes = {
        "height": height,
        "width": options.width or height,
        "channels": options.channels or channels,
        "filter": options.filter,
        "crop": options.crop,
        "background": options.background,
        "shard_size": options.shard_size,
        "min_count": options.min_count,
        "max_bad": options.max_bad,
        "workers": options.workers,
    }
    if options.part:
        part = Part.parse(options.part)
        shards = prepare_part(source, options.out, part, **sizes)
        console.print(f"Part {options.part} is prepared: {shards} files. --merge joins all parts.")
        return 0
    make = merge_parts if options.merge else prepare
    _print_manifest(options.out, make(source, options.out, **sizes))
    return 0


def _usual_size(source) -> tuple[int, int]:
    """Height and channels that pictures of a source have unless flags say otherwise."""
    if source.name == "authors":
        return source.side, source.channels
    return (60, 1) if source.name == "mnist-captions" else (32, 3)


def _source(options: Prepare):
    from pipelines.data.sources.assembly.split_choice import Division, parse_fractions
    from pipelines.data.sources.detect import (
        Hints,
        find_source,
        refuse_contradictions,
        refuse_unused,
    )
    from pipelines.data.sources.mnist_captions import MnistCaptionsSource
    from pipelines.data.sources.tables.columns import WantedColumns

    if options.splits is not None:
        division = parse_fractions(options.splits, options.seed)
    else:
        division = Division(seed=options.seed)
    hints = Hints(
        captions=options.captions,
        karpathy=options.karpathy,
        year=options.year,
        folder_names=options.folder_names,
        columns=WantedColumns(options.file_column, options.caption_column),
        division=division,
        height=options.height,
    )
    if options.input is None and options.source == "mnist-captions":
        source = MnistCaptionsSource(seed=options.seed)
        refuse_contradictions(options.source, hints)
        refuse_unused(source, hints)
        return source
    if options.input is None:
        raise UsageError("Give the folder or file with the pictures and captions with --input.")
    found = find_source(options.input, options.source, hints)
    console.print(found.sentence)
    return found.source


def _print_manifest(out: Path, manifest: dict) -> None:
    table = _table("split", "pictures", "captions", "files", title=str(out))
    for name, split in manifest["splits"].items():
        counts = split["examples"], split["captions"], len(split["shards"])
        table.add_row(name, *(f"{count:,}" for count in counts))
    console.print(table)
    console.print(f"{manifest['vocabulary']['size']:,} words in the vocabulary.")
    skipped = manifest["skipped"]
    for entry in skipped[:20]:
        console.print(f"Skipped {entry['file']}: {entry['reason']}")
    if len(skipped) > 20:
        console.print(f"{len(skipped) - 20} more were skipped; {out / 'manifest.json'} lists all.")


@run.register
def _(options: Train) -> int:
    from pipelines.sampling.training_sheet import TrainingSheet, write_training_sheet
    from pipelines.training.train import train
    from pipelines.training.workdir import smoke
    from pipelines.training.workers.join import join_workers

    config = smoke(options.config) if options.smoke else options.config
    workers = join_workers(os.environ, console.print)
    outcome = train(
        config,
        options.data,
        options.workdir,
        mode=options.mode,
        overfit=options.overfit,
        checkpoint_seconds=options.checkpoint_seconds,
        sentences=options.sentences,
        reconstructions=options.reconstructions,
        workers=workers,
        init=options.init,
    )
    if outcome.interrupted:
        console.print(
            f"Interrupted and saved at step {outcome.step}. The same command resumes the training."
        )
        return 130
    _print_outcome(outcome)
    shown = TrainingSheet(None, "")
    if workers.is_chief and not options.smoke:
        shown = write_training_sheet(options.workdir, options.data)
    if shown.path:
        console.print(f"Losses, pictures and drawings side by side: {shown.path}")
    console.print(_next_command(options, shown.caption))
    return 0


def _print_outcome(outcome) -> None:
    """Print how long a training took, and which checkpoint is the best."""
    lowest = ""
    if math.isfinite(outcome.loss):
        at = f" at step {outcome.best}" if outcome.best else ""
        lowest = f"; lowest validation loss {outcome.loss:.1f} nats{at}"
    early = ", ended early by --patience" * outcome.stopped_early
    steps = "1 step" if outcome.step == 1 else f"{outcome.step} steps"
    console.print(f"{steps} in {outcome.seconds:.0f} s{early}{lowest}. Next:")


def _next_command(options: Train, caption: str) -> str:
    """The command that uses what was trained, with a caption of the data where it draws one."""
    simple = caption and not set(caption) & set('"$`\\!')
    quoted = f'"{caption}"' if simple else shlex.quote(caption or "a caption")
    workdir, data = (shlex.quote(str(path)) for path in (options.workdir, options.data))
    entry = preset(options.preset)
    return as_typed(entry.next).format(workdir=workdir, data=data, caption=quoted)


@run.register
def _(options: Generate) -> int:
    from pipelines.sampling.generate import generate
    from t2i_tf.hub.find_preset import DEFAULT, SHIPPED, is_work_folder

    workdir = options.workdir or SHIPPED / DEFAULT
    out = options.out or Path(workdir if is_work_folder(workdir) else "") / "drawings"
    drawn = generate(
        workdir,
        _decodable(options.captions),
        out,
        n=options.n,
        seed=options.seed,
        temperature=options.temperature,
        sharpen=options.sharpen,
        steering=_decodable_steering(options.steering),
    )
    for path in drawn.files:
        console.print(str(path))
    if drawn.unknown_words:
        words = ", ".join(drawn.unknown_words)
        console.print(
            f"Words that are not in the model's vocabulary: {words}. {_known_words(workdir)}"
        )
    return 0


def _known_words(model: str | Path) -> str:
    """How a model reads words outside its vocabulary, and where its words are listed."""
    from t2i_tf.hub.find_preset import find_preset
    from t2i_tf.hub.preset_folder import VOCABULARY

    listed = find_preset(model) / VOCABULARY
    place = f"; {listed} has those that it knows" if listed.is_file() else ""
    return f"They are all read as one unknown word{place}."


@run.register
def _(options: Caption) -> int:
    from pipelines.sampling.caption_files import caption_files
    from pipelines.sampling.captioner import Captioner
    from t2i_tf.hub.pretrained import load_trained

    if not options.pictures and options.data is None:
        raise UsageError("Nothing to describe: give picture files, or a data folder with --data.")
    out = _results_folder(options.workdir, "captions", options.out)
    trained = load_trained(options.workdir)
    captioner = Captioner(trained, beam=options.beam)
    if options.pictures:
        captioned = caption_files(captioner, options.workdir, options.pictures, out)
        for picture, one in zip(options.pictures, captioned.captions, strict=True):
            console.print(f"{picture}: {one.caption} ({one.log_probability:.1f} nats)")
        for path in captioned.files:
            console.print(str(path))
    if options.data is not None:
        _print_scores(options, captioner, trained.step, out)
    return 0


def _print_scores(options: Caption, captioner, step: int, out: Path) -> None:
    """Score the captioner on a split: print a table and write `out`/scores-SPLIT.json."""
    from pipelines.data.prepared.data_folder import DataFolder
    from pipelines.evaluation.captioner_scores import score_captioner

    scores = score_captioner(captioner, DataFolder.open(options.data), options.split, options.limit)
    table = _table("metric", "value", title=f"{options.split}: {scores.pictures:,} pictures")
    table.add_row("BLEU-4", f"{scores.bleu_4:.3f}")
    table.add_row("CIDEr", "-" if scores.cider is None else f"{scores.cider:.3f}")
    for name, share in (scores.named or {}).items():
        table.add_row(f"right {name}", "-" if share is None else f"{share:.1%}")
    console.print(table)
    settings = {"workdir": str(options.workdir), "step": step, "beam": options.beam}
    settings |= {"data": str(options.data), "split": options.split}
    path = out / f"scores-{options.split}.json"
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_json(path, settings | dataclasses.asdict(scores))
    except OSError as error:
        raise UserError(f"{out} cannot be written: {error.strerror}.") from error
    console.print(str(path))


@run.register
def _(options: Demo) -> int:
    from pipelines.demo.demo import demo

    _refuse_workers("demo")
    demo(options.folder, minutes=options.minutes)
    return 0


@run.register
def _(options: Push) -> int:
    if options.dry_run and options.out is None:
        raise UsageError("--dry-run sends nothing: give --out too, the folder to write instead.")
    if options.out:
        check_folder(options.out)
    from pipelines.sharing.push import push

    shared = push(
        options.run,
        options.address,
        captions=_decodable(options.captions),
        dtype=options.dtype,
        licence=options.licence,
        private=options.private,
        message=options.message,
        out=options.out,
        send=not options.dry_run,
    )
    for remark in shared.remarks:
        console.print(as_typed(remark))
    if not shared.card_kept:
        console.print(f"Licence of the weights: {options.licence} (--licence).")
    size = f"{shared.size / 1e6:.1f} MB"
    if shared.url is None:
        card = options.out / "README.md"
        console.print(f"{size} in {options.out}, nothing sent; the card: {card}")
        return 0
    console.print(f"{size} sent to {shared.url}. It loads by:")
    console.print(f't2i_tf.{shared.kind}.from_preset("{options.address}")')
    return 0


@run.register
def _(options: ImportWeights) -> int:
    from pipelines.importing.import_weights import import_weights

    imported = import_weights(
        options.weights,
        options.workdir,
        dictionary=options.dictionary,
        data=options.data,
        steps=options.steps,
    )
    for line in imported.lines:
        console.print(line)
    workdir = shlex.quote(str(options.workdir))
    draw = as_typed("python -m pipelines generate")
    console.print(f'Next: {draw} --workdir {workdir} "a caption"')
    return 0


@run.register
def _(options: Benchmark) -> int:
    from pipelines.benchmarks.machine import machine_summary
    from pipelines.benchmarks.run import benchmark

    if options.out:
        check_file(options.out)
    measured = benchmark(
        options.name,
        preset_name=options.preset,
        batch_size=options.batch_size,
        data=options.data,
        repeats=options.repeats,
        workers=options.workers,
    )
    result = {"benchmark": options.name, **measured, "machine": machine_summary()}
    for name, value in result.items():
        text = f"{value:,.4g}" if isinstance(value, float) else value
        console.print(f"{name:>26}  {text}")
    _write_out(options.out, result)
    return 0


@run.register
def _(options: Evaluate) -> int:
    from pipelines.evaluation.evaluate import evaluate, evaluation_file
    from pipelines.evaluation.summary_table import evaluation_notes, evaluation_table

    steering = _decodable_steering(options.steering)
    result = evaluate(
        options.workdir,
        options.data,
        sharpen=options.sharpen,
        out=options.out,
        split=options.split,
        seed=options.seed,
        inception=options.inception,
        open_judge=options.open_judge,
        steering=steering,
        **dataclasses.asdict(options.sizes),
    )
    console.print(evaluation_table(result))
    for note in evaluation_notes(result):
        console.print(note)
    console.print(str(evaluation_file(options.workdir, steering, options.out)))
    return 0


@run.register
def _(options: Gallery) -> int:
    from pipelines.sampling.system_gallery import draw_gallery

    if options.out.suffix.lower() != ".png":
        raise UsageError(f"Expected --out to be a PNG file, named .png, got {options.out}.")
    check_file(options.out)
    out = draw_gallery(
        options.workdirs,
        _decodable(options.captions),
        options.out,
        sharpen=options.sharpen,
        seed=options.seed,
    )
    console.print(str(out))
    return 0


@run.register
def _(options: Sharpness) -> int:
    from pipelines.evaluation.sharpness import measure_sharpness

    if options.out:
        check_file(options.out)
    measured = measure_sharpness(
        options.workdir, options.sharpen, options.data, pictures=options.pictures, seed=options.seed
    )
    metrics = list(measured["real"])
    table = _table("pictures", *metrics)
    for name, values in measured.items():
        numbers = (values[metric] for metric in metrics)
        table.add_row(name, *("-" if math.isnan(one) else f"{one:.3f}" for one in numbers))
    console.print(table)
    _write_out(options.out, measured)
    return 0


@run.register
def _(options: Study) -> int:
    from pipelines.studies.run_study import study
    from pipelines.studies.study_table import StudyTable

    found = study(
        options.name,
        options.workdir,
        _results_folder(options.workdir, "studies", options.out),
        data=options.data,
        captioner=options.captioner,
        ratings=options.ratings,
        open_judge=options.open_judge,
        sentences=_decodable(options.sentences),
        seeds=options.seeds,
        captions=options.captions,
        seed=options.seed,
    )
    console.print(StudyTable(found.title, found.table))
    console.print(found.text)
    for path in (*found.figures, found.json):
        console.print(str(path))
    return 0


@run.register
def _(options: Compare) -> int:
    from pipelines.comparison.compare import compare
    from pipelines.comparison.steps import ComparisonInterrupted

    _refuse_workers("compare")
    try:
        failed = compare(
            options.data,
            options.workdir,
            options.minutes,
            systems=options.systems,
            world=options.world,
            encoder_minutes=options.encoder_minutes,
            sentences=options.sentences,
            without=options.without,
            open_judge=options.open_judge,
            seed=options.seed,
            command=options.command_line(),
        )
    except ComparisonInterrupted as interrupted:
        console.print(str(interrupted))
        return interrupted.exit_code
    for name in ("tables.md", "tables.json", "report.html"):
        if (options.workdir / name).exists():
            console.print(str(options.workdir / name))
    for title, error in failed.items():
        console.print(f"{title} failed: {error}")
    return 1 if failed else 0


def _refuse_workers(command: str) -> None:
    """Refuses to run a command of one machine on each of several workers, in the same folder."""
    from pipelines.training.workers.membership import find_membership

    if find_membership(os.environ):
        raise UsageError(
            f"TF_CONFIG or Slurm name several workers, but `{command}` runs on one machine. Start"
            " it once, without them; `cluster compare` trains on many."
        )


@run.register
def _(options: Cluster) -> int:
    from pipelines.cluster.ray_connection import connected

    work = {"train": _cluster_train, "prepare": _cluster_prepare, "compare": _cluster_compare}
    with connected(options.address) as ray:
        return work[options.name](ray, options)


def _cluster_train(ray, options: Cluster) -> int:
    from pipelines.cluster.ray_train import train_on_ray

    assert isinstance(options.command, Train)
    return train_on_ray(
        ray,
        options.arguments,
        options.command.workdir,
        workers=options.workers,
        gpus_per_worker=options.gpus_per_worker,
        retries=options.retries,
    )


def _cluster_prepare(ray, options: Cluster) -> int:
    from pipelines.cluster.ray_tasks import prepare_commands, run_tasks

    assert isinstance(options.command, Prepare)
    if options.command.part or options.command.merge or options.command.verify:
        raise UsageError("`cluster prepare` divides and merges itself: omit --part and --merge.")
    run_tasks(ray, prepare_commands(options.arguments, options.workers), retries=options.retries)
    return run(dataclasses.replace(options.command, merge=True))


def _cluster_compare(ray, options: Cluster) -> int:
    from pipelines.cluster.ray_compare import train_side_by_side

    compare = options.command
    assert isinstance(compare, Compare)
    train_side_by_side(
        ray,
        compare.data,
        compare.workdir,
        compare.minutes,
        systems=compare.systems,
        world=compare.world,
        encoder_minutes=compare.encoder_minutes,
        sentences=compare.sentences,
        without=compare.without,
        seed=compare.seed,
        gpus=options.gpus_per_worker,
        retries=options.retries,
    )
    return run(compare)


def _decodable(captions: tuple[str, ...]) -> tuple[str, ...]:
    """Captions of the command line, with U+FFFD for bytes that are not in its encoding."""
    return tuple(
        caption.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        for caption in captions
    )


def _decodable_steering(steering):
    """The steering of the command line, with its caption decodable."""
    if steering.instead_of is None:
        return steering
    (instead_of,) = _decodable((steering.instead_of,))
    return dataclasses.replace(steering, instead_of=instead_of)


def _table(*headers: str, title: str | None = None) -> Table:
    """A table that wraps its cells in a narrow terminal, where rich would cut them off."""
    columns = (Column(header, overflow="fold") for header in headers)
    return Table(*columns, title=title, title_justify="left")


def _results_folder(run: str, name: str, out: Path | None) -> Path:
    """The folder for results, which can be written."""
    from pipelines.training.workdir import results_path

    folder = results_path(run, name, out)
    check_folder(folder)
    return folder


def _write_out(out: Path | None, result) -> None:
    if out is None:
        return
    try:
        write_json(out, result)
    except OSError as error:
        raise UserError(f"{out} cannot be written: {error.strerror}.") from error
