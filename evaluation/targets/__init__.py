"""What it costs to change the policy of a running server, and to start again with a long one."""
