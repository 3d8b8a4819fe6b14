"""The options of batching: TensorFlow Serving's BatchingParameters, checked."""

import os
from dataclasses import dataclass

from serving.server.config.text_proto import ConfigError


@dataclass(frozen=True)
class BatchingOptions:
    """TensorFlow Serving's BatchingParameters, with its defaults. Sizes are numbers of rows."""

    max_batch_size: int = 1_000
    batch_timeout_micros: int = 0
    max_enqueued_batches: int = 10
    num_batch_threads: int = os.cpu_count() or 1
    allowed_batch_sizes: tuple[int, ...] = ()

    @classmethod
    def of(cls, message) -> "BatchingOptions":
        """The options of a BatchingParameters message. Raises ConfigError for impossible values."""
        given = {
            name: getattr(message, name).value
            for name in cls.__dataclass_fields__
            if name != "allowed_batch_sizes" and message.HasField(name)
        }
        options = cls(**given, allowed_batch_sizes=tuple(message.allowed_batch_sizes))
        options._check()
        if message.pad_variable_length_inputs:
            raise ConfigError(
                "pad_variable_length_inputs is not supported; send inputs of one shape"
            )
        return options

    def _check(self) -> None:
        sizes = self.allowed_batch_sizes
        for name in ("max_batch_size", "max_enqueued_batches", "num_batch_threads"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be at least 1, got {getattr(self, name)}")
        if sizes and (list(sizes) != sorted(set(sizes)) or sizes[-1] != self.max_batch_size):
            raise ConfigError(
                f"allowed_batch_sizes must increase and end with max_batch_size "
                f"{self.max_batch_size}, got {list(sizes)}"
            )

    def padded(self, rows: int) -> int:
        """The smallest allowed batch size that holds so many rows."""
        return next((size for size in self.allowed_batch_sizes if size >= rows), rows)
