"""OpenAI's routes: the fields of a request, the texts in it, the form of an answer."""
