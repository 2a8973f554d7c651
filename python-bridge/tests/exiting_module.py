"""A module that exits while it is imported."""

raise SystemExit("this module runs a program")
