"""An account to practise with: `make practice`, or `python -m tests.account [FOLDER]`.

It serves until Ctrl-C and forgets everything then. In FOLDER (work/practice) lie the environment file, one file of
variables for each person's terminal, a corpus and a base model to publish.
"""

from __future__ import annotations

import shlex
import shutil
import signal
import sys
from pathlib import Path
from typing import NoReturn

from tests.account.materials import make_materials
from tests.account.office import Office, open_office

SAYING = """
An account is open at {endpoint} until Ctrl-C. In other terminals, from this folder:

  . {folder}/engineer     (or operator, approver: their keys and rights)
  asusu doctor
  asusu publish --corpus {table} --base-model {base}
  asusu preflight --param CorpusUri=... --param BaseModelUri=...
  asusu plan; asusu upsert
  . {folder}/operator
  asusu start --canary-only --param CorpusUri=... --param BaseModelUri=...; asusu watch
  . {folder}/approver
  asusu packages; asusu review 1 --open; asusu approve 1 --reason "..."

A started run really runs, on this machine; several take turns.
Quotas are what {folder}/quotas.json says: change one to 0 and ask preflight.
"""


def write_terminal(office: Office, who: str) -> None:
    """A file that a shell reads to become somebody: variables, and `asusu` and `make` with the account's environment."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in office.variables(who).items()]
    command = shlex.quote(str(Path(sys.executable).with_name("asusu")))
    lines.append("unset AWS_PROFILE AWS_SESSION_TOKEN AWS_REGION AWS_DEFAULT_REGION")
    environment = shlex.quote(str(office.environment))
    # What is typed counts: an --env of one's own, and an ENV after the account's.
    lines.append(
        f'asusu() {{ case " $* " in *" --env"[\\ =]*) {command} "$@";; *) {command} "$@" --env {environment};; esac; }}'
    )
    lines.append(f'make() {{ command make ENV={environment} "$@"; }}')
    lines.append(f"PS1='{who}$ '")
    (office.folder / who).write_text("\n".join(lines) + "\n", encoding="utf-8")


def refuse(message: str) -> int:
    """Say what is wrong with the call."""
    sys.stderr.write(message + "\n")
    return 2


def main(arguments: list[str]) -> int:
    """Open the account, say what to type, and serve."""
    if len(arguments) > 1 or any(word.startswith("-") for word in arguments):
        return refuse("usage: python -m tests.account [FOLDER]")
    folder = Path(arguments[0] if arguments else "work/practice").absolute()
    if folder.exists() and any(folder.iterdir()) and not (folder / "account.yaml").exists():
        return refuse(f"{folder} holds other things than an account to practise with: name a new folder")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    sys.stdout.write("furnishing an account, and pre-training a base model for it: a minute\n")
    table, base = make_materials(folder / "materials")
    with open_office(folder) as office:
        for who in office.people:
            write_terminal(office, who)
        sys.stdout.write(SAYING.format(endpoint=office.endpoint, folder=folder, table=table, base=base))
        sys.stdout.flush()
        signal.pause()
    return 0


def close(*_: object) -> NoReturn:
    """Leave the block that serves, so that the account is shut down."""
    sys.stdout.write("\nclosed\n")
    sys.exit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, close)
    signal.signal(signal.SIGTERM, close)
    sys.exit(main(sys.argv[1:]))
