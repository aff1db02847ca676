"""Does anybody get round it? Every way of asking and every field of a request, against a server. `make redteam`."""
