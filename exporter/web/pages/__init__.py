"""Pages for people: self-contained HTML without scripts, everything from outside escaped."""
