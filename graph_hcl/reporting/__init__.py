"""HTML reports of runs: data read from run folders, figures, tables and the page."""

from graph_hcl.reporting.read import RunSummary, read_run
from graph_hcl.reporting.write import write_report

__all__ = ["RunSummary", "read_run", "write_report"]
