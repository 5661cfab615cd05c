"""The gateway beside floors and Janus itself: what deploy/bench-load measures."""
