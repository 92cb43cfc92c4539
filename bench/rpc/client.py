"""The tasks of client.ts with libvirt's own binding: one line in, one line of JSON out."""

import json
import resource
import shlex
import sys
import threading
import time

import libvirt

connections = []
DOMAIN = "test"


def cpu_ms():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return (used.ru_utime + used.ru_stime) * 1000


def timed(work):
    cpu, begin = cpu_ms(), time.perf_counter()
    work()
    return {"wallMs": (time.perf_counter() - begin) * 1000, "cpuMs": cpu_ms() - cpu}


def resident_mib():
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def opened(uri, count="1"):
    took = timed(lambda: connections.extend(libvirt.open(uri) for _ in range(int(count))))
    return {**took, "mib": resident_mib()}


def repeat(call, count):
    for _ in range(count):
        call()


def calls(count, in_flight):
    call, share = connections[0].getLibVersion, int(count) // int(in_flight)
    if in_flight == "1":
        return timed(lambda: repeat(call, share))
    threads = [
        threading.Thread(target=repeat, args=(call, share)) for _ in range(int(in_flight))
    ]

    def work():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return timed(work)


def xmls():
    sizes = []

    def work():
        sizes.extend(len(domain.XMLDesc()) for domain in connections[0].listAllDomains())

    return {**timed(work), "found": len(sizes)}


def stats():
    found = []
    took = timed(lambda: found.extend(connections[0].getAllDomainStats()))
    return {**took, "found": len(found), "params": len(found[0][1])}


def events(rounds):
    """Milliseconds from sending `create` to its event on another connection, of each round."""
    starter, watcher = connections[0], connections[1]
    came = threading.Event()
    at = []

    def hear(_connection, _domain, event, _detail, _opaque):
        if event == libvirt.VIR_DOMAIN_EVENT_STARTED:
            at.append(time.perf_counter())
            came.set()

    domain = starter.lookupByName(DOMAIN)
    watcher.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, hear, None)
    took = []
    for _ in range(int(rounds)):
        domain.destroy()
        came.clear()
        begin = time.perf_counter()
        domain.create()
        came.wait()
        took.append((at[-1] - begin) * 1000)
    return {"tookMs": took}


def run_events():
    while True:
        libvirt.virEventRunDefaultImpl()


def watch_events():
    """Must come before the first connection is opened."""
    libvirt.virEventRegisterDefaultImpl()
    threading.Thread(target=run_events, daemon=True).start()
    return {}


TASKS = {
    "watch": watch_events,
    "open": opened,
    "calls": calls,
    "xmls": xmls,
    "stats": stats,
    "events": events,
}

for line in sys.stdin:
    name, *words = shlex.split(line)
    print(json.dumps(TASKS[name](*words)), flush=True)
