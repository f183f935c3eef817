"""Tables and plots from the results.json files of jobs."""

import argparse
import sys
from pathlib import Path


def main() -> int:
    """Write them; return the exit code."""
    parser = argparse.ArgumentParser(
        description='Make Markdown tables and plots from results.json files, as '
        'tools/distill.py and tools/compare.py write them: for each NAME.json, NAME.md '
        'and NAME.png beside it.'
    )
    parser.add_argument('files', nargs='+', metavar='JSON', help='results of jobs')
    parser.add_argument(
        '--curves',
        metavar='PNG',
        help='also plot gain against the length of the schedule, from all files, which '
        'are of one data set',
    )
    parser.add_argument(
        '--methods',
        nargs='+',
        default=[],
        metavar='NAME',
        help='with --curves: the methods to show (default: the best 6)',
    )
    args = parser.parse_args()
    if args.methods and not args.curves:
        parser.error('--methods needs --curves PNG')

    # Late: importing takes seconds, which --help need not.
    from mmreviewkd.launch import hide_package_warnings

    hide_package_warnings()
    from mmreviewkd.errors import UsageError
    from mmreviewkd.results.plot_schedule import plot_schedule
    from mmreviewkd.results.file import read_results_file
    from mmreviewkd.results.page import write_results_page

    try:
        for file in args.files:
            for path in write_results_page(file):
                print(path)
        if args.curves:
            found = [read_results_file(file) for file in args.files]
            plot_schedule(found, Path(args.curves), args.methods)
            print(args.curves)
    except UsageError as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    return 0


if __name__ == '__main__':
    sys.exit(main())
