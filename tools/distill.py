"""Train a teacher, distil a small student from it, and compare: one command."""

import sys

from mmreviewkd.job.cli import main

if __name__ == '__main__':
    sys.exit(main())
