"""Makes an image an NBD export by QMP, and takes it back: what an operator writes with the manual at hand."""

import json
import socket
import sys

NODE = "disk"


class Monitor:
    """A QMP connection over a unix socket."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.stream = self.socket.makefile("rw", encoding="utf-8", newline="\r\n")
        self.events = []
        greeting = json.loads(self.stream.readline())
        assert "QMP" in greeting, greeting
        self.run("qmp_capabilities")

    def run(self, command, **arguments):
        """Runs a command; keeps the events that come before its reply."""
        names = {name.replace("_", "-"): value for name, value in arguments.items()}
        self.stream.write(json.dumps({"execute": command, "arguments": names}) + "\n")
        self.stream.flush()
        while True:
            reply = json.loads(self.stream.readline())
            if "event" in reply:
                self.events.append(reply["event"])
            elif "error" in reply:
                raise RuntimeError(reply["error"]["desc"])
            else:
                return reply["return"]


def attach(monitor, image, nbd_socket):
    monitor.run("blockdev-add", driver="raw", node_name=NODE, file={"driver": "file", "filename": image})
    monitor.run("nbd-server-start", addr={"type": "unix", "data": {"path": nbd_socket}})
    monitor.run("block-export-add", type="nbd", id="export0", node_name=NODE, writable=True)
    exports = monitor.run("query-block-exports")
    print("attached", *sorted(export["id"] for export in exports))


def detach(monitor):
    try:
        monitor.run("blockdev-del", node_name=NODE)
    except RuntimeError as error:
        print("not yet:", error)
    monitor.run("block-export-del", id="export0")
    print("events", *monitor.events)
    monitor.run("nbd-server-stop")
    monitor.run("blockdev-del", node_name=NODE)
    nodes = monitor.run("query-named-block-nodes")
    print("detached", len(nodes))


if __name__ == "__main__":
    connection = Monitor(sys.argv[2])
    if sys.argv[1] == "attach":
        attach(connection, sys.argv[3], sys.argv[4])
    else:
        detach(connection)
