"""The store's schema, one step a module."""
