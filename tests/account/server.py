"""The account as a server on loopback: `python -m tests.account.server FOLDER` prints its address and serves until SIGTERM.

Held against the services' shapes are the JSON requests alone: SageMaker, logs, quotas, prices, ECR, KMS, events. Those of
S3, IAM and STS, which have protocols of their own, go to moto as they come; so a malformed one would not be noticed here.
"""

from __future__ import annotations

import io
import json
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from moto.iam.models import iam_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from tests.account.operations import AFTER, BEFORE, OWN
from tests.account.platform import Platform
from tests.account.rights import is_simulation, may, simulate
from tests.account.shapes import problems
from tests.account.state import Account, Refusal

NUMBER = "123456789012"  # moto's
REGION = "us-east-1"
CREDENTIAL = re.compile(r"Credential=([^/]+)/")
FORM = "application/x-www-form-urlencoded"  # the query protocol of IAM and STS
JSON = "application/x-amz-json-1.1"

StartResponse = Callable[..., Any]


class Front:
    """A WSGI application before moto's: holds requests against their shapes, answers what moto lacks or fakes."""

    def __init__(self, account: Account, behind: Any) -> None:
        self.account, self.behind = account, behind

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """One request."""
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if not target and environ.get("CONTENT_TYPE", "").partition(";")[0] != FORM:
            return self.behind(environ, start_response)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if not target:
            if is_simulation(body):
                return _send(start_response, 200, "text/xml", simulate(body).encode())
            return self.behind({**environ, "wsgi.input": io.BytesIO(body)}, start_response)
        request = json.loads(body or b"{}")
        try:
            return _reply(
                start_response, 200, self._answer(target, request, {**environ, "wsgi.input": io.BytesIO(body)})
            )
        except Refusal as refusal:
            return _reply(start_response, refusal.status, {"__type": refusal.code, "message": refusal.message})

    def _answer(self, target: str, request: Mapping[str, Any], environ: dict[str, Any]) -> Any:
        prefix, _, operation = target.partition(".")
        if wrong := problems(prefix, operation, request):
            raise Refusal("ValidationException", "; ".join(wrong))
        caller = self._caller(environ)
        if prefix == "SageMaker" and not may(caller["Arn"], operation, request):
            message = f"User: {caller['Arn']} is not authorized to perform: sagemaker:{operation}"
            raise Refusal("AccessDeniedException", message)
        if target in OWN:
            return OWN[target](self.account, request)
        if target in BEFORE and (answer := BEFORE[target](self.account, request)) is not None:
            return answer
        status, content = self._moto(environ)
        answer = json.loads(content or b"{}")
        if status >= 300:
            raise Refusal(str(answer.get("__type", "InternalFailure")), str(answer.get("message", answer)), status)
        if target in AFTER:
            answer = AFTER[target](self.account, request, answer, caller)
        return answer

    def _moto(self, environ: dict[str, Any]) -> tuple[int, bytes]:
        seen: list[int] = []

        def start_response(status: str, headers: Any, error: Any = None) -> Callable[[bytes], None]:
            seen.append(int(status.split(maxsplit=1)[0]))
            return lambda data: None

        content = b"".join(self.behind(environ, start_response))
        return seen[0], content

    def _caller(self, environ: Mapping[str, Any]) -> dict[str, str]:
        match = CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
        key = match[1] if match else ""
        for user in iam_backends[NUMBER]["aws"].users.values():
            if key in [row.access_key_id for row in user.access_keys]:
                return {"Arn": user.arn, "PrincipalId": user.id}
        return {"Arn": f"arn:aws:sts::{NUMBER}:user/moto", "PrincipalId": key}


def _reply(start_response: StartResponse, status: int, answer: Any) -> list[bytes]:
    return _send(start_response, status, JSON, json.dumps(answer).encode())


def _send(start_response: StartResponse, status: int, kind: str, content: bytes) -> list[bytes]:
    start_response(f"{status} -", [("Content-Type", kind), ("Content-Length", str(len(content)))])
    return [content]


def main(folder: Path) -> None:
    """Serve one account; what it keeps on disk is below the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    account = Account(NUMBER, REGION, folder, Platform(folder, NUMBER, REGION))
    front = Front(account, DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, front, threaded=True, request_handler=MotoRequestHandler)
    account.platform.endpoint = f"http://127.0.0.1:{server.server_port}"
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print(account.platform.endpoint, flush=True)  # noqa: T201  whoever started us reads it
    server.serve_forever()
    account.platform.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
