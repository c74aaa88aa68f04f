"""One training job in one of three modes; SageMaker calls it with the argument `train`, which says nothing more."""

from __future__ import annotations

from steps import job
from steps.train import clock
from steps.train.options import read_options
from steps.train.stopping import Stopped, StopSignal


def main() -> None:
    """Read the hyperparameters, load what the mode needs, run it.

    SIGTERM is listened to before torch is imported: that and the loading of a model take minutes, in which it may come.
    """
    started = clock.now()
    stop = StopSignal()
    stop.install()
    try:
        with stop.ends_this():
            from steps.train import launch, modes, ranks, sealing, setup

            hosts, here = launch.read_hosts(), launch.processes_here()
            launches = launch.needs_launch(hosts, here)
            if not launches:
                options = read_options(job.hyperparameters())
                job.event("started", mode=options.mode)
                sealing.refuse_unwritable(job.checkpoint_dir())
                bench = setup.prepare(options)
    except Stopped as stopped:
        raise job.Refused(
            "SIGTERM came while the model was being loaded: nothing was trained in this process, and nothing is lost. "
            "Start again to go on."
        ) from stopped
    if launches:
        launch.launch(hosts, here, stop)
        return
    job.model_dir().mkdir(parents=True, exist_ok=True)
    modes.perform(options, bench, stop, started)
    ranks.leave()


if __name__ == "__main__":
    job.run(main)
