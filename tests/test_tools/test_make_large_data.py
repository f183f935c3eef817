import runpy
from pathlib import Path

from mmreviewkd.data_folders import open_folder

TOOL = Path(__file__).resolve().parents[2] / 'tools/make_large_data.py'


def test_small_set(tmp_path, monkeypatch):
    root = tmp_path / 'made'
    sizes = ['--images=6', '--boxes=12', '--classes=3', '--val-images=2']
    monkeypatch.setattr('sys.argv', ['make_large_data.py', str(root), *sizes])
    runpy.run_path(str(TOOL), run_name='__main__')
    data = open_folder(root)
    assert str(data) == 'made: 6 + 2 images, 3 classes, 12 + 4 instances, boxes only'
    assert data.notes == [
        '2 file names in both instances_train.json and instances_val.json, with other '
        'contents: 000000000000.jpg, 000000000001.jpg'
    ]
