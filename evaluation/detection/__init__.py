"""Detection: how many prompts about forget targets the server finds, in any wording, and how many innocent prompts it flags."""
