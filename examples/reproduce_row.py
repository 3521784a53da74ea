"""Run a row of a table again, and compare it with the committed records.

python examples/reproduce_row.py [REPEATS]
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
command = [
    *(sys.executable, "-m", "graph_hcl.benchmark", ROOT / "configs/benchmark/transductive.yaml"),
    *("--datasets", "MUTAG", "--methods", "UCL", "--repeats", *(sys.argv[1:] or ["1"])),
    *("--out", "runs/again"),
]
subprocess.run(command, check=True)
committed = ROOT / "benchmarks/results/transductive.jsonl"
subprocess.run([*command, "--compare-to", committed], check=True)
