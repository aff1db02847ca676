"""Reading: the ways in which a text can be read, and the windows into which it is cut."""
