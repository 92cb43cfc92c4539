"""Takes a VM through its life with the client that was made: create, start, stop, remove."""

import json
import sys

from berth_client import ApiError, Client

client = Client(sys.argv[1])
document = json.load(sys.stdin)
name = document["metadata"]["name"]


def done(operation):
    """Follows an operation to its end."""
    while operation["state"] == "running":
        operation = client.get_operation(operation["id"], after=operation["revision"], wait_ms=20_000)
    assert operation["state"] == "done", operation
    return operation["kind"]


told = []
told.append(done(client.create_vm(document, start=False)))
told.append(client.get_vm(name)["state"])
told.append(done(client.start_vm(name)))
told.append([vm["name"] for vm in client.list_vms(state="running", labels="made-by=python")["vms"]])
try:
    client.remove_vm(name)
except ApiError as error:
    told.append([error.status, error.problem["code"]])
told.append(done(client.stop_vm(name, force=True)))
told.append(done(client.remove_vm(name)))
try:
    client.get_vm(name)
except ApiError as error:
    told.append([error.status, error.problem["code"]])
json.dump(told, sys.stdout)
