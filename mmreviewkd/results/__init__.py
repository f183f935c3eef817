"""What runs have reached: scores, gains and intervals, as data, tables and plots."""
