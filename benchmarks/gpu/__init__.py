"""The acceptance checks of a GPU: `polydistill bench gpu`.

`check.py` says what a check is, `checks.py` lists them, `runner.py` runs each in a process of its own, and `report.py`
shows what came out. The other modules hold the checks, one group each.
"""
