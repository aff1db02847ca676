"""Reading: the ways in which one text can be read, and the windows it is cut into."""
