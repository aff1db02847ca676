"""Every make target and every command of the README, run in a small form: `make commands`."""
