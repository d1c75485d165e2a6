"""The workspace process: one browser window's volume, its views rendered here, its page in ``page/``."""
