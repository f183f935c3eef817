"""What the teacher is asked for; its predictions are tested where they are made."""

import pytest
from coco_sets import save_as

from mmreviewkd.datasets.pseudo_labels import made_from
from mmreviewkd.files import write_json
from mmreviewkd.job import JobError, pseudo_labels, unlabeled_methods
from mmreviewkd.job.job_configs import load_configs
from mmreviewkd.job.plan import plan_runs
from mmreviewkd.job.pseudo_labels import (
    label_images,
    refuse_other_labels,
    without_missing_labels,
)


def test_labels(configs, boxes, tmp_path, monkeypatch):
    folder = tmp_path / 'more'
    folder.mkdir()
    save_as('plain', folder / '0.png')
    methods = unlabeled_methods(str(folder), 0.5)
    teacher, _, unlabeled, run = plan_runs(
        load_configs(configs, boxes), tmp_path / 'work', methods
    )
    asked = []
    monkeypatch.setattr(
        pseudo_labels, 'write_pseudo_labels', lambda *args: asked.extend(args) or 'told'
    )
    monkeypatch.setattr(pseudo_labels, 'trained_weights', lambda run: f'{run.name}.pth')
    path = run.pseudo_labels.path
    assert label_images(run.pseudo_labels) == 'told'
    assert asked == [
        *(teacher.config, 'teacher.pth', str(folder), path, 0.5),
        ('cat', 'dog'),
    ]

    cfg = run.config.copy()
    without_missing_labels(run, cfg)
    assert cfg.train_dataloader == unlabeled.config.train_dataloader
    # There is nothing to take out where they are written.
    path.parent.mkdir(parents=True)
    path.write_text('{}')
    cfg = run.config.copy()
    without_missing_labels(run, cfg)
    assert cfg.train_dataloader == run.config.train_dataloader


def test_labels_of_another_folder_are_refused(configs, boxes, tmp_path):
    def plan(name):
        (tmp_path / name).mkdir(exist_ok=True)
        save_as('plain', tmp_path / name / '0.png')
        methods = unlabeled_methods(str(tmp_path / name), 0.5)
        return plan_runs(load_configs(configs, boxes), tmp_path / 'work', methods)

    runs = plan('more')
    refuse_other_labels(runs)
    info = made_from(tmp_path / 'more', 0.5)
    write_json(runs[-1].pseudo_labels.path, dict(info=info))
    refuse_other_labels(runs)
    with pytest.raises(JobError, match='images in .*/more .*; give another --work-dir'):
        refuse_other_labels(plan('others'))
    # As former versions wrote it.
    write_json(runs[-1].pseudo_labels.path, {})
    refuse_other_labels(runs)
