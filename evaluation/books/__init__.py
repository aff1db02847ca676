"""Data in the form of MUSE: read from a folder, or built from plain text, such as a novel to forget beside others to keep."""
