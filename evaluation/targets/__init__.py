"""What it costs to change the policy of a running server and to restart with a long one, and whether its promises hold."""
