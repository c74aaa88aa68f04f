"""Today's price of a machine on demand, from the price list; none rather than a wrong one.

The list answers in a few Regions only, for all of them. Each product is a JSON text, and one instance has several
products, so exactly one price above zero must be left; else the caller falls back to the dated table.
"""

from __future__ import annotations

import json
from typing import Any

from pipeline.aws.session import Account, explained
from pipeline.preflight.jobs import Kind

ANSWERS_IN = "us-east-1"
SERVICE = "AmazonSageMaker"
COMPONENTS: dict[Kind, str] = {"training": "Training", "processing": "Processing"}


def usd_per_hour(account: Account, region: str, instance_type: str, kind: Kind = "training") -> float | None:
    """US dollars an hour, None where the list has no price, or more than one. Raises AsusuError where it cannot be asked."""
    filters = {"regionCode": region, "instanceName": instance_type, "component": COMPONENTS[kind]}
    with explained(f"asking for the price of {instance_type}"):
        pages = (
            account.client("pricing", ANSWERS_IN)
            .get_paginator("get_products")
            .paginate(
                ServiceCode=SERVICE,
                Filters=[{"Type": "TERM_MATCH", "Field": key, "Value": value} for key, value in filters.items()],
            )
        )
        texts = [text for page in pages for text in page.get("PriceList", [])]
    prices = {price for text in texts for price in _prices(text)}
    return prices.pop() if len(prices) == 1 else None


def _prices(text: str) -> set[float]:
    """Prices above zero per hour in one product; a product that cannot be read has none."""
    try:
        terms: dict[str, Any] = json.loads(text)["terms"]["OnDemand"]
        rows = [row for term in terms.values() for row in term["priceDimensions"].values()]
        prices = {
            float(row["pricePerUnit"]["USD"]) for row in rows if row.get("unit", "").lower() in ("hrs", "hours", "hour")
        }
    except (ValueError, KeyError, AttributeError, TypeError):
        return set()
    return {price for price in prices if price > 0}
