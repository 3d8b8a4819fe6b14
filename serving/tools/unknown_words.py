"""Words of captions that a served model does not know, said beside what it makes of the others."""

from contextlib import suppress

from serving.client.client import Client
from serving.errors import ServingError


def print_unknown_words(client: Client, *captions: str) -> None:
    """Name the words that are not in the model's vocabulary, if there are any.

    Nothing is printed where the server cannot say, as for a model of others with fewer signatures.
    """
    unknown = []
    with suppress(ServingError):  # what was drawn is worth more
        unknown = client.unknown_words(*captions)
    if unknown:
        words = ", ".join(unknown)
        print(
            f"Words that are not in the model's vocabulary: {words}. They are all read as one"
            " unknown word."
        )
