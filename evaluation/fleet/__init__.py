"""A real fleet on one machine: engines, router, front ends and PostgreSQL, what it survives and what it costs."""
