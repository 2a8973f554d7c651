"""The code of a service, as it runs today."""


def price(cents: int) -> str:
    return f"{cents / 100:.2f} EUR"
