"""A Redis cache that misses, instead of failing the page, while Redis is down.

Made by nextwizard; an edit here survives `nextwizard regenerate`. Reads and writes of
single keys fail open; add, incr and the like stay strict, because a lock or a counter
must fail loudly.
"""

import logging
from typing import Any

from django.core.cache.backends.redis import RedisCache
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError


_DOWN = (RedisConnectionError, RedisTimeoutError)
_log = logging.getLogger(__name__)


class FailOpenRedisCache(RedisCache):
    """Redis, and an empty cache while it cannot be reached."""

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        """Return the value, or the default while Redis is down."""
        try:
            return super().get(key, default, version)
        except _DOWN:
            _log.warning("redis is down: get")
            return default

    def set(self, *args: Any, **kwargs: Any) -> None:
        """Keep the value, or forget it while Redis is down."""
        try:
            super().set(*args, **kwargs)
        except _DOWN:
            _log.warning("redis is down: set")

    def delete(self, key: Any, version: int | None = None) -> bool:
        """Drop the value; False while Redis is down."""
        try:
            return super().delete(key, version)
        except _DOWN:
            _log.warning("redis is down: delete")
            return False
