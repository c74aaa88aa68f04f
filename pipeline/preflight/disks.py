"""Which machines bring their own disks: there a volume key is refused, and a processing job has the disk's size at most.

Sources: API reference of ResourceConfig and ProcessingClusterConfig ("certain Nitro-based instances include local
storage ... you can't request a VolumeKmsKeyId"); sizes are EC2's own instance data, in GB.
"""

from __future__ import annotations

import re

FAMILY = re.compile(r"ml\.([a-z]+)(\d+)([a-z-]*)\.[a-z0-9-]+")
LOCAL_FAMILIES = {"g5", "g6", "g6e", "gr6", "p5", "p5e", "p5en", "trn1", "trn1n", "p3dn"}
VOLUME_FAMILIES = {"m4", "m5", "m6i", "m7i", "c4", "c5", "c5n", "c6i", "c7i", "r5", "r6i", "r7i", "t3", "p2", "p3"}
LOCAL_GB = {
    "ml.g5.xlarge": 250,
    "ml.g5.2xlarge": 450,
    "ml.g5.4xlarge": 600,
    "ml.g5.8xlarge": 900,
    "ml.g5.12xlarge": 3800,
    "ml.g5.16xlarge": 1900,
    "ml.g5.24xlarge": 3800,
    "ml.g5.48xlarge": 7600,
}


def has_local_disk(instance_type: str) -> bool | None:
    """Whether an instance type stores on its own disks; None for a family that nobody wrote down here."""
    match = FAMILY.fullmatch(instance_type)
    if match is None:
        return None
    family = "".join(match.groups())
    if family in LOCAL_FAMILIES or "d" in match[3]:  # m5d, c6id, g4dn, p4d
        return True
    return False if family in VOLUME_FAMILIES else None
