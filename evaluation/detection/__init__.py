"""Is a prompt about a forget target recognised, however it is put? Attack templates and hand-written wordings of questions."""
