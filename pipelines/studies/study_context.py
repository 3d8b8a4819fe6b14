"""What a study works on: a trained system, and its data folder where there is one."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pipelines.data.prepared.data_folder import DataFolder
from pipelines.evaluation.load_run import check_same_data
from pipelines.judges.scene_judge import SceneJudge
from pipelines.sampling.sampler import Sample, Sampler
from pipelines.training.workdir import read_run_data
from t2i_tf.checkpoints import Trained
from t2i_tf.hub.pretrained import load_trained
from t2i_tf.image_ops import image_shape

SCENES = "scenes"  # the source in the manifest of scenes


@dataclass(frozen=True)
class StudyContext:
    """A system that draws captions, and its data folder where there is one."""

    workdir: str | Path  # or preset
    sampler: Sampler
    step: int
    shape: tuple[int, int, int]  # H, W, C of its images
    scenes: bool  # whether it was trained on scenes, so that their judge applies
    folder: DataFolder | None = None
    trained: Trained | None = None  # the system with its config, where a study needs more

    @classmethod
    def open(cls, workdir: str | Path, data: Path | None = None) -> "StudyContext":
        """The system of a work folder or preset.

        Raises:
            UserError: it is no system that draws, or the data have images of another size or
                another vocabulary.
        """
        trained = load_trained(workdir)
        folder = None if data is None else DataFolder.open(data)
        source = read_run_data(workdir).source
        if folder:
            check_same_data(trained, workdir, folder)
            source = source or folder.manifest.source
        if not source:
            print(
                f"{workdir} does not say what it was trained on, so that no judge of scenes sees"
                " its drawings: --data, with its data folder, says it."
            )
        shape = image_shape(trained.config.model)
        return cls(
            workdir, Sampler(trained), trained.step, shape, source == SCENES, folder, trained
        )

    @property
    def title(self) -> str:
        """The system's name in the paper."""
        return self.sampler.model.title

    @cached_property
    def judge(self) -> SceneJudge | None:
        """The judge of the images; None where they are not scenes."""
        return SceneJudge(self.shape[:2]) if self.scenes else None

    def draw(self, captions: Sequence[str], seeds: int, seed: int) -> list[list[Sample]]:
        """Images of each caption, from the same seeds: `seed`, `seed` + 1, ..."""
        drawn = self.draw_pairs([(caption, seed + k) for caption in captions for k in range(seeds)])
        return [drawn[k : k + seeds] for k in range(0, len(drawn), seeds)]

    def draw_pairs(self, pairs: Sequence[tuple[str, int]]) -> list[Sample]:
        """An image of each (caption, seed); shows a progress bar."""
        return self.sampler.draw_pairs(pairs, description="Drawing captions")
