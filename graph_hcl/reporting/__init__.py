"""Reports of runs: what is read of a run folder, which figures and tables show it, the page."""

from graph_hcl.reporting.read import RunSummary, read_run
from graph_hcl.reporting.write import write_report

__all__ = ["RunSummary", "read_run", "write_report"]
