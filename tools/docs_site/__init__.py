"""Makes the pages of the documentation site that are not written by hand; docs/conf.py is Sphinx's part."""
