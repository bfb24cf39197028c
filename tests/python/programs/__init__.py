"""Random programs, by subject: each module has a `PRELUDE`, a `Writer` and the `arguments` of its programs.

`everyday`: Python as numerical code uses it. `memory`: writes, views and aliases. `flow`: loops and
branches that values decide. The last two also write smooth programs, whose derivatives `compare` checks.
"""
