"""Write the student of a distillation run as a plain MMDetection model.

``python tools/publish_student.py CONFIG CHECKPOINT OUT_DIR`` writes OUT_DIR/student.pth
(weights and class names; no distillation, no optimizer; EMA weights where the run
had them), OUT_DIR/student.py (the student's own config), which stock MMDetection tests
and loads, and OUT_DIR/README.md, a model card that says how.
"""

import argparse


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Write the student alone')
    parser.add_argument('config', help='config of the distillation run')
    parser.add_argument('checkpoint', help='one of its checkpoints')
    parser.add_argument(
        'out_dir', help='folder for student.py, student.pth and README.md'
    )
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    from mmreviewkd.config_file import read_config
    from mmreviewkd.distillers import publish_student
    from mmreviewkd.model_card import write_model_card

    cfg = read_config(args.config)
    files = publish_student(cfg, args.checkpoint, args.out_dir)
    for path in (*files, write_model_card(args.out_dir, cfg, args.checkpoint)):
        print(path)


if __name__ == '__main__':
    args = parse_args()
    # Late: importing the package takes seconds, which --help need not.
    from mmreviewkd.launch import run_script

    run_script(lambda: main(args))
