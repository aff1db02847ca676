"""OpenAI's routes: their fields, the texts in a request, the form of an answer."""
