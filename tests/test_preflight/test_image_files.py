from coco_sets import save_as

from mmreviewkd.preflight import Findings
from mmreviewkd.preflight.coco_file import Image
from mmreviewkd.preflight.image_files import check_images, check_missing, file_size


def images(*names, width=64, height=64):
    return [Image(index, name, width, height) for index, name in enumerate(names)]


def test_missing_images(tmp_path):
    (tmp_path / 'a.png').touch()
    names = ('a.png', 'b\n.png', '\0', 'x' * 9999)
    found = Findings()
    sizes = check_missing(images(*names), tmp_path, 'a.json', found)
    assert sizes == [0, -1, -1, -1]
    (text,) = found.problems
    assert text.startswith(
        f"a.json: 3 of 4 images missing in '{tmp_path}': 'b\\n.png', '\\x00', "
    )
    found = Findings()
    assert check_missing(images('a.png'), tmp_path, 'a.json', found) == [0]
    assert not found.problems


def test_file_size(tmp_path):
    (tmp_path / 'a.png').write_bytes(b'123')
    assert file_size(tmp_path, 'a.png') == 3
    assert file_size(tmp_path, '') == file_size(tmp_path, 'b.png') == -1
    assert file_size(tmp_path, '.') == -1


def test_images_are_read(tmp_path):
    save_as('turned', tmp_path / 'turned.jpg', 48, 64)
    save_as('plain', tmp_path / 'small.png', 32, 32)
    (tmp_path / 'no.png').write_bytes(b'no image')
    found = Findings()
    check_images(
        images('turned.jpg', 'small.png', 'no.png', height=48),
        tmp_path,
        9,
        'a.json',
        found,
    )
    said = '\n'.join(sorted(found.problems))
    assert "a.json: 1 of 3 images that were read: damaged: 'no.png'" in said
    assert "of another size than the annotations say: 'small.png'" in said
    assert 'turned by the EXIF orientation' in said
