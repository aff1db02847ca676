"""TOFU's table: probability, ROUGE-L, truth ratio, forget quality and model utility, with the guard and without it."""
