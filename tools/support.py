"""Find out which models work: ``tools/support.py TABLE PAGE``."""

import mmreviewkd  # noqa: F401  before anything imports mmcv.ops
from mmreviewkd.support import main

if __name__ == '__main__':
    main()
