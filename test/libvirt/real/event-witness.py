"""Writes every event of every domain as python3-libvirt hears it: a line of JSON each, [id, uuid, [what it carries]].

Ids are libvirt's; "qemu" stands for the raw events of QEMU's monitor.
"""

import json
import sys

import libvirt
import libvirt_qemu


def say(kind):
    def heard(_connection, domain, *rest):
        print(json.dumps([kind, domain.UUIDString(), rest[:-1]]), flush=True)

    return heard


libvirt.registerErrorHandler(lambda *_: None, None)  # python raises them, too
libvirt.virEventRegisterDefaultImpl()
connection = libvirt.open(sys.argv[1])
for name, event in vars(libvirt).items():
    if name.startswith("VIR_DOMAIN_EVENT_ID_"):
        try:
            connection.domainEventRegisterAny(None, event, say(event), None)
        except libvirt.libvirtError as error:  # the daemon is older than that event
            if error.get_error_code() != libvirt.VIR_ERR_INTERNAL_ERROR:
                raise
libvirt_qemu.qemuMonitorEventRegister(connection, None, None, say("qemu"), None, 0)
print("ready", flush=True)
while True:
    libvirt.virEventRunDefaultImpl()
