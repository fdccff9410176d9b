class Refused(Exception):
    """What is asked for is not done."""


class Full(Refused):
    """There is no room for more."""
