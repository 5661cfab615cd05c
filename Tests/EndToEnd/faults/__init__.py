"""Conferences under a drawn schedule of faults, and the promises that must hold whatever dies."""
