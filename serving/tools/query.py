"""The command `query`: one caption to a server, its images to files."""

from pathlib import Path

from serving.client.client import Client
from serving.client.connection import Connection
from serving.client.image_files import gif_of_drawings, png_of_grid
from serving.tools.output_files import check_outputs, check_suffix, write
from serving.tools.unknown_words import print_unknown_words


def query(
    connection: Connection,
    caption: str,
    n: int,
    seed: int,
    temperature: float,
    out: Path,
    gif: Path | None = None,
    *,
    guidance: float = 0.0,
    instead_of: str = "",
    best_of: int = 1,
) -> None:
    """Draw a caption, write the files, and print their paths, and words that the model lacks.

    Args:
        connection: The server and the model to ask.
        caption: What to draw.
        n: Number of images, with the seeds `seed`, `seed + 1`, ...
        seed: Seed of the first image.
        temperature: Scale of the noise.
        out: PNG file for the images.
        gif: GIF file for the drawing, step by step.
        guidance, instead_of, best_of: See `Client.draw`. The seeds of chosen images are printed.

    Raises:
        RequestError: an argument is wrong, or a file has no place; nothing is drawn.
        ServingError: the request failed, or a file cannot be written.
    """
    check_outputs(out=out, gif=gif)
    check_suffix("out", out, ".png")
    check_suffix("gif", gif, ".gif")
    sampling = caption, n, seed, temperature
    steering = {"guidance": guidance, "instead_of": instead_of, "best_of": best_of}
    with Client(**vars(connection)) as client:
        if gif:
            drawings = client.draw_steps(*sampling, **steering)
            write(gif, gif_of_drawings(drawings))
            print(gif)
            pngs = [drawing.png for drawing in drawings]
            pixels = [drawing.canvases[-1] for drawing in drawings]
            seeds = [drawing.seed for drawing in drawings]
        else:
            pictures = client.draw(*sampling, **steering)
            pngs = [picture.png for picture in pictures]
            pixels = [picture.pixels for picture in pictures]
            seeds = [picture.seed for picture in pictures]
        write(out, pngs[0] if len(pngs) == 1 else png_of_grid(pixels))
        print(out)
        if best_of > 1:
            print(f"Best of {best_of}: seeds {', '.join(map(str, seeds))}")
        print_unknown_words(client, *filter(str.strip, (caption, instead_of)))
