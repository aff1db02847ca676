"""Every make target and every command of the documentation, run in a small form: `make commands`."""
