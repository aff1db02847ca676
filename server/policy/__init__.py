"""The policy, from a policy file or an API call to what every worker enforces."""
