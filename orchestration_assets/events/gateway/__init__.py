"""The HTTP door for events: it checks who sends what, and says yes once it is on disk."""
