"""A built image is tried for real: it is started, asked, stopped and started again on the same volumes."""
