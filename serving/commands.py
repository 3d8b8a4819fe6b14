"""What the commands do: each hands its options, one by one, to the function that does the work.

What a command needs is imported inside its function: the clients start without TensorFlow.
"""

from serving import options
from serving.errors import RequestError, ServingError
from t2i_tf.errors import UsageError, UserError
from t2i_tf.import_tensorflow import import_tensorflow


def demo(flags: options.Demo) -> None:
    """`demo`: export a run, serve it, draw one caption over gRPC, then serve the page."""
    from serving.tools.demo import demo

    demo(**vars(flags))


def export(flags: options.Export) -> None:
    """`export`: print the folder of the new version. Raises ServingError where none was made."""
    import_tensorflow(lean=True)
    from serving.export.export import export
    from serving.tools.child_process import ended_by_signals

    try:
        with ended_by_signals():  # SIGTERM, too, removes what is not finished
            version = export(flags.workdir, flags.out, flags.checkpoint, flags.sharpen)
    except UsageError as error:
        raise RequestError(str(error)) from error
    except UserError as error:
        raise ServingError(str(error)) from error
    print(f"Exported and checked: {version}")


def check(flags: options.Check) -> None:
    """`check`: print each check that passed. Raises ServingError at the first that fails."""
    import_tensorflow(lean=True)
    from serving.export.validate import check

    for sentence in check(flags.version):
        print(f"holds: {sentence}")


def query(flags: options.Query) -> None:
    """`query`: draw a caption on a server and write the images to files."""
    from serving.tools.query import query

    query(**vars(flags))


def retrieve(flags: options.Retrieve) -> None:
    """`retrieve`: rank a folder of images by their likelihood under a caption."""
    from serving.tools.rank_images import rank_images

    rank_images(**vars(flags))


def web(flags: options.Web) -> None:
    """`web`: serve the page until interrupted."""
    from serving.web.command import web

    web(**vars(flags))


def bench(flags: options.Bench) -> None:
    """`bench`: time a server, and the model without a server beside it."""
    from serving.tools.bench import bench
    from serving.tools.load_generator import LoadProfile

    bench(
        flags.connection,
        LoadProfile(flags.clients, flags.requests, flags.seconds, flags.rate),
        caption=flags.caption,
        n=flags.n,
        guidance=flags.guidance,
        best_of=flags.best_of,
        warmup=flags.warmup,
        model_base_path=flags.model_base_path,
        out=flags.out,
    )
