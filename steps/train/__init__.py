"""CanaryTrain, CanaryResume and TrainLora: one program, three modes."""
