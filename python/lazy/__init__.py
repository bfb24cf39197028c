"""Composable transforms of plain NumPy code."""
