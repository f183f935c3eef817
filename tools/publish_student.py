"""Write the student of a distillation run as a plain MMDetection model.

``python tools/publish_student.py CONFIG CHECKPOINT OUT_DIR`` writes OUT_DIR/student.pth
(weights and class names; no distillation, no optimizer; EMA weights where the run
had them) and OUT_DIR/student.py (the student's own config), which stock
MMDetection tests and loads without mmreviewkd.
"""

import argparse

import mmreviewkd  # noqa: F401  before anything imports mmcv.ops
from mmengine.config import Config
from mmreviewkd.distillers import publish_student
from mmreviewkd.launch import run_script


def main() -> None:
    parser = argparse.ArgumentParser(description='Write the student alone')
    parser.add_argument('config', help='config of the distillation run')
    parser.add_argument('checkpoint', help='one of its checkpoints')
    parser.add_argument('out_dir', help='folder for student.py and student.pth')
    args = parser.parse_args()
    for path in publish_student(
        Config.fromfile(args.config), args.checkpoint, args.out_dir
    ):
        print(path)


if __name__ == '__main__':
    run_script(main)
