"""Everybody hostile at once, beside a conference with media."""
