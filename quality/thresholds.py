"""The numbers that gates compare with, each with the reason for its value."""

from collections.abc import Iterable, Mapping

# Vendors accept addresses that no mail server does; a few of them are noise, more are a broken
# mapping. A payload is stricter: every row of it must have a well-formed address.
EMAIL_SHAPE_SHARE = 0.98

# Countries arrive as typed text from the CRM; what cannot be mapped stays as it came.
COUNTRY_KNOWN_SHARE = 0.95

# A customer without any name is usual for guest checkouts and newsletter sign-ups; a table in
# which hardly anybody has one has lost its columns.
NAME_PRESENT_SHARE = 0.30

# An address is how people are reached; walk-in customers and phone contacts have none.
EMAIL_PRESENT_SHARE = 0.50

# Orders of guests have no customer until identity has linked them; most orders have one.
ORDER_CUSTOMER_SHARE = 0.80

# Lines of deleted or custom products point nowhere; most lines point at a product.
LINE_PRODUCT_SHARE = 0.70

# No customer bought for more; above it, cents were read as units.
LARGEST_PLAUSIBLE_ORDER = 10_000_000

# No line of a cost is more; above it, cents were read as units.
LARGEST_PLAUSIBLE_COST = 100_000_000

# Between two releases minutes pass: a table that loses a fifth of its rows lost a source.
SMALLEST_SHARE_OF_LAST_RELEASE = 0.80

# A new system can multiply a table, a broken join squares it.
LARGEST_MULTIPLE_OF_LAST_RELEASE = 5

# Small tables lose a large share of their rows without anything being wrong.
ROWS_OF_LOSS_ALLOWED = 50

# The first loads of a system come in parts, each many times the one before.
ROWS_OF_GROWTH_ALLOWED = 50_000

# A few broken rows are held back one by one; more of them are a broken source, and what still
# passes is not to be trusted either.
MOST_ROWS_HELD_SHARE = 0.02

# Of a small table a few rows are a large share without anything being wrong with the rest.
ROWS_HELD_ALLOWED = 20

# Enough to find the cause of a breach, few enough to be read.
MOST_REFERENCES = 20

# Baskets change by tenths from one release to the next; threefold, cents were read as units or a
# currency went missing.
MEAN_FACTOR_ALLOWED = 3.0

# A campaign or an import moves a share by some hundredths.
SHARE_DRIFT_ALLOWED = 0.25

# Means and shares of fewer rows say nothing.
ROWS_FOR_A_FIGURE = 50

# More rows than any table here can hold: the bound where there is no earlier release.
NO_UPPER_BOUND = 10**12

# Something before the @, a dot after it, no blanks: the same text on both engines.
EMAIL_SHAPE = r"^[^@[:space:]]+@[^@[:space:]]+\.[^@[:space:]]+$"

# E.164: a plus, a country code, at most 15 digits.
E164_SHAPE = r"^\+[1-9][0-9]{6,14}$"


def figure_parameters(figures: Mapping[str, tuple[int, float]]) -> dict[str, float]:
    """Bounds drawn from figures of the last release.

    Args:
        figures: (rows that it was taken of, value) by the figure's name; a mean ends with `_mean`,
            a share with `_share`. One of too few rows, or of none, bounds nothing.

    Returns:
        `<name>_min` and `<name>_max` for each.
    """
    bounds: dict[str, float] = {}
    for name, (rows, value) in figures.items():
        is_known = rows >= ROWS_FOR_A_FIGURE
        if name.endswith("_share"):
            low, high = value - SHARE_DRIFT_ALLOWED, value + SHARE_DRIFT_ALLOWED
            bounds[f"{name}_min"] = round(max(low, 0.0), 4) if is_known else 0.0
            bounds[f"{name}_max"] = round(min(high, 1.0), 4) if is_known else 1.0
        else:
            bounds[f"{name}_min"] = value / MEAN_FACTOR_ALLOWED if is_known else -NO_UPPER_BOUND
            bounds[f"{name}_max"] = value * MEAN_FACTOR_ALLOWED if is_known else NO_UPPER_BOUND
    return bounds


def volume_parameters(
    tables: Iterable[str], rows_of_last_release: Mapping[str, int]
) -> dict[str, int]:
    """Bounds on the rows of each table, `<table>_rows_min` and `<table>_rows_max`.

    Args:
        tables: bare table names, `dim_customers`.
        rows_of_last_release: rows by bare table name; a table that is absent has no bound yet.
            Leaving a table out is also how a person accepts a jump that is meant.
    """
    bounds: dict[str, int] = {}
    for table in tables:
        last = rows_of_last_release.get(table, 0)
        fewest = int(last * SMALLEST_SHARE_OF_LAST_RELEASE) - ROWS_OF_LOSS_ALLOWED
        most = last * LARGEST_MULTIPLE_OF_LAST_RELEASE + ROWS_OF_GROWTH_ALLOWED
        bounds[f"{table}_rows_min"] = max(fewest, 0)
        bounds[f"{table}_rows_max"] = most if last else NO_UPPER_BOUND
    return bounds
