"""Renders a chat template in a process of its own, with limits on memory and time.

A chat template is a program that comes with a model. It runs in a sandbox, but 'a' * 2000000000 or a loop without an
end would still take this process with it. What has passed here is rendered in the process that needs it.
"""

import json
import resource
import subprocess
import sys
from collections.abc import Mapping

from polydistill.engine.errors import UserError

MEMORY = 2 << 30  # bytes of address space
SECONDS = 20
LENGTH = 1_000_000  # characters of a rendered conversation of two short turns


def probe(source: str, arguments: Mapping[str, object], name: str) -> None:
    """Render two short turns with a chat template; errors that it raises by itself are no concern of this function.

    Args:
        source: The template.
        arguments: Special tokens and `student.template`.
        name: The model's name, for messages.

    Raises:
        UserError: the template takes too much memory or time, writes too much text, or breaks out of its sandbox.
    """
    request = json.dumps({"source": source, "arguments": dict(arguments), "seconds": SECONDS}, default=str)
    command = [sys.executable, "-c", f"from {__name__} import main; main()"]
    try:
        found = subprocess.run(command, input=request, capture_output=True, text=True, timeout=SECONDS + 40)
        answer = json.loads(found.stdout.splitlines()[-1]) if found.returncode == 0 and found.stdout else {}
    except subprocess.TimeoutExpired:
        answer = {}
    if not answer:
        raise UserError(
            f"{name}: the chat template takes more than {MEMORY >> 30} GiB or {SECONDS} s for two short turns. "
            "It is broken or hostile: do not use this model's template. Use `prompt: alpaca` or `raw`"
        )
    if answer["unsafe"]:
        raise UserError(f"{name}: the chat template tries to leave its sandbox ({answer['unsafe']}). Do not use it")
    if answer["length"] > LENGTH:
        raise UserError(f"{name}: the chat template writes {answer['length']:,} characters for two short turns")


def main() -> None:
    """The process with limits: reads a request on stdin, writes {"length", "unsafe"} on stdout."""
    from jinja2.exceptions import SecurityError
    from transformers.utils.chat_template_utils import render_jinja_template

    request = json.load(sys.stdin)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY + _address_space(), MEMORY + _address_space()))
    seconds = int(request["seconds"] + resource.getrusage(resource.RUSAGE_SELF).ru_utime + 1)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    user, assistant = {"role": "user", "content": "Which?"}, {"role": "assistant", "content": "This."}
    length, unsafe = 0, ""
    for messages, opens in (([user], True), ([user, assistant], False)):
        try:
            texts, _ = render_jinja_template(
                conversations=[messages],
                chat_template=request["source"],
                add_generation_prompt=opens,
                **request["arguments"],
            )
            length = max(length, len(texts[0]))
        except MemoryError:
            sys.exit(1)
        except SecurityError as error:
            unsafe = str(error)[:200]
        except Exception:  # told in words by `ChatTemplate`, which renders it again
            continue
    print(json.dumps({"length": length, "unsafe": unsafe}))


def _address_space() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize()
