"""Reports of runs: what is read of a run folder, which figures and tables show it, the page."""

from graph_hcl.reporting.read import Run, read_run
from graph_hcl.reporting.write import write_report

__all__ = ["Run", "read_run", "write_report"]
