"""The function that EventBridge calls when a model package changes. Environment: BUCKET, TOPIC."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import boto3

from champion.bundle import Refused
from champion.publish import Office, agree

GROUPS = "asusu-"


def handle(event: Mapping[str, Any], _context: object) -> dict[str, str]:
    """Publish the champion of the event's group.

    What a person must look into goes to the topic and is not tried again; anything else is raised, so that it is.
    """
    group = str(event["detail"].get("ModelPackageGroupName", ""))
    if not group.startswith(GROUPS):
        return {"group": group, "outcome": "not ours"}
    office = Office(boto3.client("sagemaker"), boto3.client("s3"), os.environ["BUCKET"])
    try:
        champion = agree(office, group)
    except Refused as error:
        boto3.client("sns").publish(
            TopicArn=os.environ["TOPIC"], Subject=f"{group}: not published", Message=_said(error)
        )
        outcome = {"group": group, "outcome": "refused", "reason": str(error)}
    else:
        outcome = {"group": group, "outcome": "published", "champion": champion or "none"}
    print(json.dumps({"event": "champion", **outcome}))  # noqa: T201  one line of the function's log
    return outcome


def _said(error: Refused) -> str:
    return (
        f"An approved model was not published: {error}\n\n"
        "The champion's folder was left as it was, so runs go on comparing themselves with the model before.\n"
        "Reject that version, or approve another one; either starts this again.\n"
    )
