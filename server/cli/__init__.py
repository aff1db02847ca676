"""The command line. Importing this package must stay light: see `server.cli.main`."""
