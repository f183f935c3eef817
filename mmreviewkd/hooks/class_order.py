"""A check that teacher and student mean the same by the number of a class."""

import logging
from collections.abc import Sequence

from mmengine.logging import print_log

from mmreviewkd.names import printable


def check_classes(
    teacher_classes: Sequence[str] | None,
    own_classes: Sequence[str] | None,
    scores_compared: bool,
    inherited: Sequence[str],
    only_fitting: bool = False,
) -> None:
    """Compare the classes of the teacher's checkpoint with those of the data set.

    Where they differ, the log says so. Maps of the necks have no classes, so training
    can go on; not so where a class's number is used.

    Args:
        teacher_classes (Sequence[str], optional): Names of the classes that the
            teacher was trained on, in order; None where its checkpoint names none.
        own_classes (Sequence[str], optional): Those of the training's data set.
        scores_compared (bool): Whether a distillation compares scores of classes.
        inherited (Sequence[str]): Parts of the student that start from the teacher's
            weights, such as ``('neck', 'roi_head')``.
        only_fitting (bool): Whether they do where they fit, unasked. Defaults to
            False.

    Raises:
        ValueError: If the classes differ, and scores are compared, or a head starts
            from the teacher's weights of as many classes. Where it does so unasked,
            the log warns instead: training corrects such a start.
    """
    if teacher_classes is None or own_classes is None:
        return
    teacher, own = tuple(teacher_classes), tuple(own_classes)
    if teacher == own:
        return
    reordered = sorted(teacher) == sorted(own)
    what = (
        "the teacher's checkpoint names "
        f'{"the classes in another order" if reordered else "other classes"} than the '
        f'data set:\n  teacher:  {_listed(teacher)}\n  data set: {_listed(own)}\n'
    )
    # An RPN has no classes. Of a head for another number of classes, the layers that
    # tell them apart do not fit, and so are not taken over.
    heads = [
        part
        for part in inherited
        if 'head' in part and 'rpn' not in part and len(teacher) == len(own)
    ]
    if not scores_compared and not heads:
        print_log(
            f'{what}This does not matter for what is compared here.', logger='current'
        )
        return
    names = ', '.join(heads)
    consequence = (
        'a distillation compares the scores of the two, class by class'
        if scores_compared
        else f"{names} would start from the teacher's weights of each class"
    )
    remedy = (
        'Give the data set the order of the teacher, '
        f'train_dataloader.dataset.metainfo=dict(classes={teacher!r}), and likewise '
        'in val_dataloader and test_dataloader'
        if reordered
        else 'Take a teacher that was trained on the classes of the data set'
    )
    alternative = (
        'take a distillation that compares feature maps'
        if scores_compared
        else f'leave {names} out of model.inherit'
    )
    message = f'{what}But {consequence}. {remedy}; or {alternative}.'
    if scores_compared or not only_fitting:
        raise ValueError(message)
    print_log(
        f'{what}Where {names} fit, they start from the weights of these classes, and '
        f'have to learn the others. {remedy}.',
        logger='current',
        level=logging.WARNING,
    )


def _listed(names: Sequence[str], most: int = 20) -> str:
    rest = f', ... ({len(names)} in all)' if len(names) > most else ''
    return ', '.join(map(printable, names[:most])) + rest
