"""Train a teacher, distil a small student from it, and compare: one command."""

import sys

from mmreviewkd.job.cli import distill

if __name__ == '__main__':
    sys.exit(distill())
