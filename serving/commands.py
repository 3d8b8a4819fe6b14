"""The commands that need the library: TensorFlow kept quiet, its errors in this package's terms."""

from serving import options
from serving.errors import ServingError
from t2i_tf import import_tensorflow
from t2i_tf.errors import UserError


def export(chosen: options.Export) -> None:
    """`export`: say which version appeared. Raises ServingError where none did."""
    import_tensorflow.import_tensorflow()
    from serving.export.export import export as export_run

    try:
        version = export_run(chosen.workdir, chosen.out, chosen.checkpoint, chosen.sharpen)
    except UserError as error:
        raise ServingError(str(error)) from error
    print(f"Exported and checked: {version}")


def check(chosen: options.Check) -> None:
    """`check`: say what holds. Raises ServingError where something does not."""
    import_tensorflow.import_tensorflow()
    from serving.export.validate import check as check_version

    for sentence in check_version(chosen.version):
        print(f"holds: {sentence}")
