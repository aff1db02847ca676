"""A backend for Triton that compiles nothing. It is copied into an installed Triton, whose interpreter then runs all kernels."""
