"""The service's published schema of a model card, cut down to the parts that a package's card may have.

Written down from the developer guide ("Model card JSON schema"), apart from our own models, so that the two can disagree.
Where the guide says `pattern .{1,63}` without anchors, the length is taken as meant.
"""

from __future__ import annotations

from typing import Any


def _text(most: int, least: int = 0) -> dict[str, Any]:
    return {"type": "string", "minLength": least, "maxLength": most}


def _object(required: list[str] | None = None, **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "required": required or [],
    }


def _list(items: Any, most: int | None = None, least: int = 0) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": least, **({"maxItems": most} if most else {})}


_AXES = {"x_axis_name": _text(63), "y_axis_name": _text(63)}
_SIMPLE = _object(
    ["name", "type", "value"],
    name=_text(255, 1),
    notes=_text(1024),
    type={"enum": ["number", "string", "boolean"]},
    value={"anyOf": [{"type": "number"}, _text(63), {"type": "boolean"}]},
    **_AXES,
)
_GRAPH = _object(
    ["name", "type", "value"],
    name=_text(255, 1),
    notes=_text(1024),
    type={"enum": ["linear_graph"]},
    value=_list(_list({"type": "number"}, most=2, least=2), most=20, least=1),
    **_AXES,
)
_TRAINING_METRIC = _object(["name", "value"], name=_text(255, 1), notes=_text(1024), value={"type": "number"})

SCHEMA: dict[str, Any] = _object(
    model_overview=_object(model_creator=_text(1024), model_artifact=_list(_text(1024), most=15)),
    intended_uses=_object(
        purpose_of_model=_text(2048),
        intended_uses=_text(2048),
        factors_affecting_model_efficiency=_text(2048),
        risk_rating={"enum": ["High", "Medium", "Low", "Unknown"]},
        explanations_for_risk_rating=_text(2048),
    ),
    training_details=_object(
        training_observations=_text(1024),
        training_job_details=_object(
            training_arn=_text(1024),
            training_datasets=_list(_text(1024), most=15),
            training_metrics=_list(_TRAINING_METRIC, most=50),
            user_provided_training_metrics=_list(_TRAINING_METRIC, most=50),
        ),
    ),
    evaluation_details=_list(
        _object(
            ["name"],
            name=_text(63, 1),
            evaluation_observation=_text(2096),
            evaluation_job_arn=_text(256),
            datasets=_list(_text(1024), most=10),
            metadata={"type": "object", "additionalProperties": _text(1024)},
            metric_groups=_list(
                _object(
                    ["name", "metric_data"],
                    name=_text(63, 1),
                    metric_data=_list({"anyOf": [_SIMPLE, _GRAPH]}),
                )
            ),
        )
    ),
    additional_information=_object(
        ethical_considerations=_text(2048),
        caveats_and_recommendations=_text(2048),
        custom_details={"type": "object", "additionalProperties": _text(1024)},
    ),
)
