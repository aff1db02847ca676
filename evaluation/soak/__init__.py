"""A long run under load with a policy that changes all the time: memory does not grow, and no stream is lost."""
