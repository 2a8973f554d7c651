"""A user's module that imports what is not installed."""

import no_such_package_at_all  # noqa: F401
