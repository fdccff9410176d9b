import os

DATABASE_URL = os.environ["APP_DATABASE_URL"].replace("postgresql:", "postgresql+asyncpg:")
