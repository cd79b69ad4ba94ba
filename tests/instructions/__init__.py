"""The hot paths do not get longer: instructions that valgrind counts, which are the same in every run.

`python -m tests.instructions` prints them; `--update` allows what is counted now.
"""
