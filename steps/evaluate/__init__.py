"""EvaluateModel: scores an adapter on held-out sentences and decides every rule of the gate."""
