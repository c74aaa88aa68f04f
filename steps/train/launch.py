"""More than one GPU or host: this process becomes the launcher of one training process per GPU.

A job on several hosts starts once on each of them; who they are stands in `input/config/resourceconfig.json`. Under
torchrun, by this launcher or by hand, each process finds its number in its environment and nothing is started here.

Torch's own launcher answers SIGTERM by giving its processes 30 s (`TORCH_ELASTIC_SHUTDOWN_TIMEOUT`) and always fails
with exit code 1. Here SIGTERM is passed on instead, and the launcher goes on waiting: processes that saved and ended well
are a job that ended well, and the platform's own 120 s are the only limit.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
from dataclasses import dataclass

import psutil
import torch

from steps import job
from steps.train.stopping import StopSignal

PORT = 29_500  # where the first host's processes are met; torch's own default
MEETING_SECONDS = 900  # hosts of one job may start minutes apart
LOOK_SECONDS = 0.2


@dataclass(frozen=True)
class Hosts:
    """The hosts of this job."""

    names: list[str]
    current: str
    interface: str | None = None

    @property
    def number(self) -> int:
        """This host's place among them; 0 is where all meet."""
        return self.names.index(self.current)


def read_hosts() -> Hosts:
    """The hosts of `resourceconfig.json`, in an order all agree on; this one alone where there is no such file."""
    path = job.base_dir() / "input" / "config" / "resourceconfig.json"
    if not path.is_file():
        return Hosts(["localhost"], "localhost")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        hosts = Hosts(sorted(found["hosts"]), found["current_host"], found.get("network_interface_name"))
        hosts.number  # noqa: B018
    except (ValueError, KeyError, TypeError) as error:
        raise job.Refused(f"cannot read the hosts of this job from {path.name}: {error!r}") from error
    return hosts


def needs_launch(hosts: Hosts, here: int) -> bool:
    """Whether this job takes more than one process and torchrun has not started them."""
    return "LOCAL_RANK" not in os.environ and len(hosts.names) * here > 1


def processes_here() -> int:
    """Training processes of this host: one per GPU, or one."""
    return max(1, torch.cuda.device_count())


def launch(hosts: Hosts, here: int, stop: StopSignal) -> None:
    """Run this host's training processes to their end.

    Raises Refused where one was killed without leaving a reason; SystemExit where one failed and left its reason.
    """
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    failure = job.base_dir() / "output" / "failure"
    for name in ("failure", "message"):
        failure.with_name(name).unlink(missing_ok=True)
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // here)))
    if len(hosts.names) > 1 and hosts.interface:
        for library in ("NCCL", "GLOO"):
            os.environ.setdefault(f"{library}_SOCKET_IFNAME", hosts.interface)
    config = LaunchConfig(
        min_nodes=len(hosts.names),
        max_nodes=len(hosts.names),
        nproc_per_node=here,
        run_id="training",
        rdzv_backend="static",
        rdzv_endpoint=f"{hosts.names[0]}:{PORT if len(hosts.names) > 1 else _free_port()}",
        rdzv_configs={"rank": hosts.number, "timeout": MEETING_SECONDS},
        max_restarts=0,  # a new job resumes from what is sealed; half a job would train on its own
        signals_to_handle="SIGINT",  # SIGTERM is ours
    )
    job.event("launching", hosts=len(hosts.names), host=hosts.number, processes=here)
    over = threading.Event()
    threading.Thread(target=_pass_on, args=(stop, over), daemon=True).start()
    try:
        elastic_launch(config, sys.executable)("-m", "steps.train", "train")
    except ChildFailedError as error:
        if failure.is_file():
            sys.exit(1)
        codes = ", ".join(f"process {rank}: {item.exitcode}" for rank, item in sorted(error.failures.items()))
        raise job.Refused(
            f"training processes ended without a reason (exit codes {codes}; -9 is most often memory)"
        ) from error
    finally:
        over.set()


def _pass_on(stop: StopSignal, over: threading.Event) -> None:
    """Once SIGTERM came, pass it on: once to each process, whenever it was started."""
    told: set[int] = set()
    while not over.wait(LOOK_SECONDS):
        for child in psutil.Process().children() if stop else ():
            if child.pid not in told:
                told.add(child.pid)
                child.send_signal(signal.SIGTERM)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("localhost", 0))
        return int(free.getsockname()[1])
