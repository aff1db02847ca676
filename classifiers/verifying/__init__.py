"""The verifier: reads an answer once more before it leaves, and finds what the mask cannot."""
