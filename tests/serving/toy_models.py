"""SavedModels that are small enough to be made for a test."""

import os
from pathlib import Path

import tensorflow as tf


class HalfPlus(tf.Module):
    """TensorFlow Serving's toy: y = 0.5 x + b."""

    def __init__(self, b: float):
        super().__init__()
        self.a, self.b = tf.Variable(0.5), tf.Variable(b)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def serve(self, x):
        return {"y": self.a * x + self.b}


class Sum(tf.Module):
    """Two inputs, which must have the same length."""

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.float32, name="a"),
            tf.TensorSpec([None], tf.float32, name="b"),
        ]
    )
    def serve(self, a, b):
        return {"sum": a + b, "difference": a - b}


class SolidColour(tf.Module):
    """A prompt and a seed to an image of one colour, with the inputs of a served model."""

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.string, name="prompt"),
            tf.TensorSpec([None], tf.int64, name="seed"),
            tf.TensorSpec([None], tf.float32, name="temperature"),
        ]
    )
    def serve(self, prompt, seed, temperature):
        colour = tf.strings.to_hash_bucket_fast(prompt, 251) + seed % 5
        strength = tf.clip_by_value(temperature, 0, 1)
        pixels = tf.cast(tf.cast(colour, tf.float32) * strength, tf.uint8)
        image = tf.tile(pixels[:, None, None, None], [1, 4, 4, 3])
        png = tf.map_fn(tf.io.encode_png, image, fn_output_signature=tf.string)
        return {"image": image, "png_bytes": png}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="png_bytes_in")])
    def score(self, png_bytes_in):
        def mean(png):
            return tf.reduce_mean(tf.cast(tf.io.decode_png(png, 3), tf.float32))

        return {"bound": tf.map_fn(mean, png_bytes_in, fn_output_signature=tf.float32)}


class Sleeper(tf.Module):
    """y = x, after 0.2 s for a batch of any size; sleeps in the graph, without CPU time."""

    seconds = 0.2

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def serve(self, x):
        shape, dtype = [tf.TensorShape([None])], [tf.float32]
        slow = tf.raw_ops.SleepDataset(
            input_dataset=tf.data.Dataset.from_tensors(x)._variant_tensor,
            sleep_microseconds=tf.constant(int(self.seconds * 1e6), tf.int64),
            output_types=dtype,
            output_shapes=shape,
        )
        (y,) = tf.raw_ops.DatasetToSingleElement(
            dataset=slow, output_types=dtype, output_shapes=shape
        )
        return {"y": y, "size": tf.fill(tf.shape(y), tf.size(y))}


def export(module: tf.Module, base_path: Path, version: int, **more_signatures) -> Path:
    """Save a numbered version as an export does: under another name, then renamed."""
    base_path.mkdir(parents=True, exist_ok=True)
    beside = base_path.parent / f".{base_path.name}-{version}"
    signatures = {"serving_default": module.serve.get_concrete_function(), **more_signatures}
    tf.saved_model.save(module, str(beside), signatures=signatures)
    os.rename(beside, base_path / str(version))
    return base_path / str(version)


def export_corrupt(base_path: Path, version: int) -> Path:
    """A version with a file that is not a graph."""
    beside = base_path.parent / f".{base_path.name}-{version}"
    beside.mkdir()
    (beside / "saved_model.pb").write_bytes(b"\x93 not a SavedModel")
    os.rename(beside, base_path / str(version))
    return base_path / str(version)
