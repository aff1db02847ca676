"""OpenAI's Responses API: requests become chat completions, so they run under the same guard, and answers become responses."""
