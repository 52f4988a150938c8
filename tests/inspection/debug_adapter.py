"""A very small VS Code: starts a program under debugpy, and looks around where it stops.

It speaks the Debug Adapter Protocol (microsoft.github.io/debug-adapter-protocol): JSON messages
behind a header that says how long they are.
"""

import json
import subprocess
import sys


class DebugAdapter:
    """One debugged program.

    Args:
        program: the script.
        folder: where it runs.
    """

    def __init__(self, program, folder):
        command = [sys.executable, "-m", "debugpy.adapter"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.sent = 0
        launch = {"program": str(program), "cwd": str(folder), "env": {"PYTHONPATH": str(folder)}}
        self.send("initialize", adapterID="tinyhf", pathFormat="path", linesStartAt1=True)
        self.send("launch", **launch, console="internalConsole", python=[sys.executable])
        self.wait_for("initialized")
        self.send("configurationDone")

    def send(self, command, **arguments):
        self.sent += 1
        message = {"seq": self.sent, "type": "request", "command": command, "arguments": arguments}
        body = json.dumps(message).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.process.stdin.flush()

    def receive(self):
        length = 0
        while line := self.process.stdout.readline().strip():
            length = int(line.split(b":")[1])
        return json.loads(self.process.stdout.read(length))

    def wait_for(self, event):
        """The body of the next event of this name."""
        while (message := self.receive()).get("event") != event:
            pass
        return message.get("body")

    def ask(self, command, **arguments):
        """The body of the answer."""
        self.send(command, **arguments)
        while (message := self.receive()).get("request_seq") != self.sent:
            pass
        return message["body"]

    def stopped_frame(self):
        """Wait until the program stops: (thread, the frame it stops in)."""
        thread = self.wait_for("stopped")["threadId"]
        frames = self.ask("stackTrace", threadId=thread, levels=1)["stackFrames"]
        return thread, frames[0]

    def variables(self, frame):
        """The names of the local variables."""
        locals_ = self.ask("scopes", frameId=frame["id"])["scopes"][0]["variablesReference"]
        found = self.ask("variables", variablesReference=locals_)["variables"]
        return {variable["name"] for variable in found}

    def close(self):
        self.process.kill()
        self.process.communicate()
