"""The command line. Importing this package must stay light (`server.cli.main` says why)."""
