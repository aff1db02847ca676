"""Anthropic's Messages API: requests become chat completions, so they run under the same guard, and answers become messages."""
