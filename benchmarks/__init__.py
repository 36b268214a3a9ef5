"""Benchmarks: what the design's budgets promise, measured on this machine.

    python -m benchmarks [NAME ...] [--quick] [--json FILE]

Every figure is absolute or a ratio within one run. None of them is a test. Linux and macOS.
"""
