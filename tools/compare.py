"""Compare ways of learning from one teacher, over several seeds: one command."""

import sys

from mmreviewkd.job.cli import compare

if __name__ == '__main__':
    sys.exit(compare())
