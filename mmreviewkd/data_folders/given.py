"""What the user names beside the folder."""

from pathlib import Path
from typing import NamedTuple

from .errors import DataError


class Given(NamedTuple):
    """Files named by the user, each relative to the current folder or to the data's.

    Args:
        train_ann (str, optional): Annotation file for training. Defaults to None: it
            is looked for.
        val_ann (str, optional): Annotation file for validation. Defaults to None: it
            is looked for.
        images (str, optional): Folder that the file names in the annotation files are
            relative to. Defaults to None: it is looked for.
        val_fraction (float, optional): Share of the images that is kept for
            validation, where there is one part only. Defaults to None.
    """

    train_ann: str | None = None
    val_ann: str | None = None
    images: str | None = None
    val_fraction: float | None = None

    def check(self) -> None:
        """Refuse what does not go together.

        Raises:
            DataError: If something is missing or contradicts.
        """
        if self.val_ann and not self.train_ann:
            raise DataError('--val-ann needs --train-ann, the file for training')
        if self.val_ann and self.val_fraction is not None:
            raise DataError(
                '--val-ann names the images for validation and --val-fraction draws '
                'them; give one of the two'
            )
        if self.val_fraction is not None and not 0 < self.val_fraction < 1:
            raise DataError(
                f'--val-fraction {self.val_fraction:g} lies not between 0 and 1; '
                '0.2 keeps a fifth of the images for validation'
            )


def given_path(flag: str, text: str, root: Path) -> Path:
    """Find a path that the user gave.

    Raises:
        DataError: If it is nowhere, or different things are in both places.
    """
    places = dict.fromkeys(path.resolve() for path in (Path(text), root / text))
    found = [path for path in places if path.exists()]
    if not found:
        raise DataError(
            f'{flag}: there is no {text}, neither in the current folder nor in {root}'
        )
    if len(found) > 1:
        raise DataError(
            f'{flag} {text} may be {found[0]} or {found[1]}; write the whole path'
        )
    return found[0]
