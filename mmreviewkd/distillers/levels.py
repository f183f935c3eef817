"""Which levels of two models' configs are compared."""

from mmreviewkd import features
from mmreviewkd.teachers import Teacher


def match_levels(
    student: str | dict,
    teacher: str | dict,
    levels: features.Levels | None = None,
    resize: str | None = None,
) -> list[tuple[int, int]]:
    """Pair the levels of two models that are not built yet.

    Args:
        student (str | dict): The student's config.
        teacher (str | dict): The teacher's config.
        levels (optional): See :func:`mmreviewkd.features.match_levels`.
        resize (str, optional): Likewise.

    Returns:
        list[tuple[int, int]]: Pairs of level numbers, the student's finest first.
    """
    ours, theirs = (Teacher(one, None).measure() for one in (student, teacher))
    return features.match_levels(ours, theirs, levels, resize)
