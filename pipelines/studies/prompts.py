"""The captions of the studies: the talk's own, or the same ideas in the words of the scenes."""

from collections.abc import Mapping

from pipelines.data.scenes.captions import TALK_CAPTIONS
from pipelines.studies.study_context import StudyContext
from t2i_tf.errors import UsageError

PromptSet = tuple[str, ...]  # captions that are compared; those of a flip differ in a word or two

# The wording of the talk and the paper, for photographs.
PHOTOGRAPHS: Mapping[str, tuple[PromptSet, ...]] = {
    "compositions": (
        ("a stop sign is flying in blue skies",),
        ("a pale yellow school bus is flying in blue skies",),
        ("a herd of elephants is flying in blue skies",),
        ("a large commercial airplane is flying in blue skies",),
    ),
    "colours": (
        tuple(
            f"a {colour} school bus parked in a parking lot"
            for colour in ("yellow", "red", "green", "blue")
        ),
    ),
    "backgrounds": (
        tuple(f"a large commercial plane flying in {sky} skies" for sky in ("clear", "rainy")),
        tuple(f"a herd of elephants walking across a {g} grass field" for g in ("dry", "green")),
    ),
    "objects": (
        ("a chocolate dessert is on the table", "a bowl of bananas is on the table"),
        ("a vintage photo of a cat", "a vintage photo of a dog"),
    ),
}

# The same ideas for handwritten digits, which the talk does not show (our choice).
DIGITS: Mapping[str, tuple[PromptSet, ...]] = {
    "compositions": (
        ("the digit seven is at the top left of the image .",),
        ("the digit seven is on the left of the digit two .",),
        ("the digit seven is at the top of the digit two .",),
    ),
    "objects": (
        tuple(f"the digit {d} is at the top left of the image ." for d in ("seven", "two", "zero")),
    ),
    "backgrounds": (),
    "colours": (),
}

# In the words of the scenes; `scenes/world.py` says which are held out of training.
_BUSES, _PLANES, _HERDS = (
    tuple(caption for caption, _ in TALK_CAPTIONS[study][which])
    for study, which in (
        ("colour flips", slice(None)),
        ("background flips", slice(2)),
        ("background flips", slice(2, None)),
    )
)
_TABLE, _FIELD = (
    tuple(caption for caption, _ in TALK_CAPTIONS["object flips"][which])
    for which in (slice(2), slice(2, None))
)
SCENES: Mapping[str, tuple[PromptSet, ...]] = {
    "compositions": (
        *((caption,) for caption, _ in TALK_CAPTIONS["novel compositions"]),
        ("a purple school bus is parked in the snow",),
        ("a blue house is standing in the desert",),
        ("a green car is driving across the beach",),
        ("a white balloon is floating over the forest",),
    ),
    "colours": (_BUSES,),
    "backgrounds": (_PLANES, _HERDS),
    "objects": (_TABLE, _FIELD),
}


def talk_prompts(study: str, context: StudyContext) -> list[PromptSet]:
    """The prompts of a study whose words are all in the system's vocabulary.

    Raises:
        UsageError: there are none.
    """
    prompts = SCENES[study] if context.scenes else (*PHOTOGRAPHS[study], *DIGITS[study])
    readable = [captions for captions in prompts if not context.sampler.unknown_words(captions)]
    if not readable:
        raise UsageError(
            f"The vocabulary of {context.workdir} covers none of the talk's sentences for"
            f" {study!r}. Give sentences of your own, each in quotes."
        )
    return readable
