"""What the choice of a preset needs to know of a data folder, read from its captions."""

import numpy as np

from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.split_reader import read_captions
from pipelines.preset_choice.choose_preset import DataSummary


def summarize(folder: DataFolder) -> DataSummary:
    """Shape, numbers and caption lengths of a data folder.

    Raises:
        UserError: there is no split `train`, or one of its files is damaged.
    """
    lengths, counts = np.unique(read_captions(folder, "train").words, return_counts=True)
    validation = folder.manifest.splits.get("val")
    return DataSummary(
        source=folder.manifest.source,
        height=folder.height,
        width=folder.width,
        channels=folder.channels,
        pictures=folder.split("train").examples,
        validation_pictures=validation.examples if validation else 0,
        words=dict(zip(lengths.tolist(), counts.tolist(), strict=True)),
    )
