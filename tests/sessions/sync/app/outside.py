async def wait() -> None:
    """Waits for something that is not the database; who tests may let anything happen meanwhile."""
