"""The command `query`: one caption to a server, pictures to a file."""

from pathlib import Path

from serving.client.client import Client
from serving.client.image_files import gif_of_drawings, png_of_grid
from serving.errors import RequestError
from serving.options import Query
from serving.tools.output_files import write


def query(chosen: Query) -> None:
    """Draw, write the files, and say where they are. Raises ServingError."""
    _check_folder(chosen.out)
    if chosen.gif:
        _check_folder(chosen.gif)
    wanted = chosen.caption, chosen.n, chosen.seed, chosen.temperature
    with Client(**vars(chosen.connection)) as client:
        if chosen.gif:
            drawings = client.draw_steps(*wanted)
            write(chosen.gif, gif_of_drawings(drawings))
            print(chosen.gif)
            pngs = [drawing.png for drawing in drawings]
            pixels = [drawing.canvases[-1] for drawing in drawings]
        else:
            pictures = client.draw(*wanted)
            pngs = [picture.png for picture in pictures]
            pixels = [picture.pixels for picture in pictures]
    write(chosen.out, pngs[0] if len(pngs) == 1 else png_of_grid(pixels))
    print(chosen.out)


def _check_folder(path: Path) -> None:
    """Before anything is drawn. Raises RequestError."""
    if not path.parent.is_dir():
        raise RequestError(f"{path.parent} is no folder: name a file in one that is there.")
