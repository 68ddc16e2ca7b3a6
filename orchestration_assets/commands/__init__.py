"""What the commands of `accord` do; `cli.py` only registers them."""
