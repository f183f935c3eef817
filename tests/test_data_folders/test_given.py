import pytest

from mmreviewkd.data_folders import DataError, Given
from mmreviewkd.data_folders.given import given_path


@pytest.mark.parametrize(
    'given, message',
    [
        (Given(val_ann='b'), '--val-ann needs --train-ann'),
        (Given('a', 'b', val_fraction=0.1), 'give one of the two'),
        (Given(val_fraction=20), 'lies not between 0 and 1'),
        (Given(val_fraction=0), 'lies not between 0 and 1'),
    ],
)
def test_what_does_not_go_together(given, message):
    with pytest.raises(DataError, match=message):
        given.check()


def test_paths(tmp_path, monkeypatch):
    root, here = tmp_path / 'set', tmp_path / 'here'
    for folder in (root, here):
        folder.mkdir()
    monkeypatch.chdir(here)
    with pytest.raises(DataError, match='--images: there is no a, neither in'):
        given_path('--images', 'a', root)
    (root / 'a').mkdir()
    assert given_path('--images', 'a', root) == root / 'a'
    (here / 'a').mkdir()
    with pytest.raises(DataError, match='write the whole path'):
        given_path('--images', 'a', root)
    assert given_path('--images', str(here / 'a'), root) == here / 'a'
