"""A synthesis run in a process of its own: `python driver.py CONFIG.json STANDINS.json [ADDRESS]`."""

import json
import sys
import time
from pathlib import Path

from benchmarks.standins import Standins
from polydistill.engine.cluster import cluster
from polydistill.engine.config import Synthesis, validate
from polydistill.engine.errors import UserError
from polydistill.engine.synthesis.pipeline import synthesize

if __name__ == "__main__":
    config = validate(Synthesis, json.loads(Path(sys.argv[1]).read_text()), "test")
    stages = Standins(**json.loads(Path(sys.argv[2]).read_text()))
    try:
        with cluster(sys.argv[3] if len(sys.argv) > 3 else None):
            started = time.monotonic()
            summary = synthesize(config, stages)
            print(json.dumps({"seconds": time.monotonic() - started, "rows": summary.rows}))
    except UserError as error:
        print(f"UserError: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
