"""What is studied: a trained system, and what is known of its data."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import msgspec
from rich.progress import track

from pipelines.data.prepared.data_folder import DataFolder
from pipelines.judges.scene_judge import SceneJudge
from pipelines.sampling.sampler import BATCH, Sample, Sampler
from t2i_tf import checkpoints
from t2i_tf.errors import UserError
from t2i_tf.json_files import read_json

SCENES = "scenes"  # the source that a manifest names


class _Manifest(msgspec.Struct):
    source: str = ""


@dataclass(frozen=True)
class Subject:
    """A system that draws, and its data folder where one is at hand."""

    workdir: Path
    drawer: Sampler
    step: int
    shape: tuple[int, int, int]  # H, W, C of its pictures
    scenes: bool  # it was trained on the scenes, so that their judge can be asked
    folder: DataFolder | None = None

    @classmethod
    def open(cls, workdir: Path, data: Path | None = None) -> "Subject":
        """The system of a work folder.

        Raises:
            UserError: no such run, one that draws nothing, or data with pictures of another size or
                other words.
        """
        trained = checkpoints.load(workdir)
        folder = None if data is None else DataFolder.open(data)
        about = Path(workdir) / "data.json"
        source = read_json(about, _Manifest).source if about.exists() else ""
        drawer, model = Sampler(trained), trained.config.model
        shape = model.height, model.width, model.channels
        if folder:
            _check(folder, workdir, shape, trained.vocabulary.entries)
        return cls(Path(workdir), drawer, trained.step, shape, source == SCENES, folder)

    @property
    def title(self) -> str:
        """The system's name in the paper."""
        return self.drawer.model.title

    @cached_property
    def judge(self) -> SceneJudge | None:
        """Of the pictures, if they are scenes."""
        return SceneJudge(self.shape[:2]) if self.scenes else None

    def draw(self, captions: Sequence[str], seeds: int, seed: int) -> list[list[Sample]]:
        """Pictures of each caption, from the same seeds: `seed`, `seed` + 1, ..."""
        drawn = self.draw_pairs([(caption, seed + k) for caption in captions for k in range(seeds)])
        return [drawn[k : k + seeds] for k in range(0, len(drawn), seeds)]

    def draw_pairs(self, pairs: Sequence[tuple[str, int]]) -> list[Sample]:
        """A picture of each (caption, seed); shows the progress."""
        starts = track(range(0, len(pairs), BATCH), "Drawing captions", transient=True)
        return [d for k in starts for d in self.drawer.draw_pairs(pairs[k : k + BATCH])]


def _check(folder: DataFolder, workdir: Path, shape, entries: Sequence[str]) -> None:
    if folder.shape != shape:
        wanted, got = (" x ".join(map(str, size)) for size in (shape, folder.shape))
        raise UserError(
            f"{workdir} draws pictures of {wanted} (height, width, channels), those of "
            f"{folder.path} are {got}. Give the data folder that it was trained on."
        )
    if folder.vocabulary.entries != tuple(entries):
        raise UserError(
            f"{workdir} was trained with other words than {folder.path} has: {len(entries)} against"
            f" {len(folder.vocabulary)}. Give the data folder that it was trained on."
        )
