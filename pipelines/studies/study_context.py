"""What is studied: a trained system, and what is known of its data."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pipelines.data.prepared.data_folder import DataFolder
from pipelines.evaluation.load_run import check_same_data
from pipelines.judges.scene_judge import SceneJudge
from pipelines.sampling.sampler import Sample, Sampler
from pipelines.training.workdir import read_run_data
from t2i_tf import checkpoints
from t2i_tf.image_ops import image_shape

SCENES = "scenes"  # the source that a manifest names


@dataclass(frozen=True)
class StudyContext:
    """A system that draws, and its data folder where one is at hand."""

    workdir: Path
    sampler: Sampler
    step: int
    shape: tuple[int, int, int]  # H, W, C of its pictures
    scenes: bool  # it was trained on the scenes, so that their judge can be asked
    folder: DataFolder | None = None

    @classmethod
    def open(cls, workdir: Path, data: Path | None = None) -> "StudyContext":
        """The system of a work folder.

        Raises:
            UserError: no such run, one that draws nothing, or data with pictures of another size or
                other words.
        """
        trained = checkpoints.load(workdir)
        folder = None if data is None else DataFolder.open(data)
        source = read_run_data(workdir).source
        if folder:
            check_same_data(trained, workdir, folder)
        shape = image_shape(trained.config.model)
        return cls(Path(workdir), Sampler(trained), trained.step, shape, source == SCENES, folder)

    @property
    def title(self) -> str:
        """The system's name in the paper."""
        return self.sampler.model.title

    @cached_property
    def judge(self) -> SceneJudge | None:
        """Of the pictures, if they are scenes."""
        return SceneJudge(self.shape[:2]) if self.scenes else None

    def draw(self, captions: Sequence[str], seeds: int, seed: int) -> list[list[Sample]]:
        """Pictures of each caption, from the same seeds: `seed`, `seed` + 1, ..."""
        drawn = self.draw_pairs([(caption, seed + k) for caption in captions for k in range(seeds)])
        return [drawn[k : k + seeds] for k in range(0, len(drawn), seeds)]

    def draw_pairs(self, pairs: Sequence[tuple[str, int]]) -> list[Sample]:
        """An image of each (caption, seed); shows its progress."""
        return self.sampler.draw_pairs(pairs, description="Drawing captions")
