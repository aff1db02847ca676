"""What happens beside TOFU's plain table: targets one after another, other words, the fact in the prompt, few examples."""
