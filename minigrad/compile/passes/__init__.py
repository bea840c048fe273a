"""Passes: functions from programs to programs, each of which leaves the results as they are."""
