"""Results, tables, plots and the report."""
