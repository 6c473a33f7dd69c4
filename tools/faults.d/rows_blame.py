"""Faults that have to be laid at somebody's door: a step that kills hosts, a host that fails all.

SPDX-License-Identifier: Apache-2.0
"""

import os
import time

from history import Outcome, check
from rig import Broken, FarmError, lines_step, wait_until
from row import row_list

ROWS, row = row_list()

# Everything in the step's network namespace is the machine of its host: agent, keepers, other
# steps. The step dies last, or a keeper that still lives would tell of it.
KILL_MACHINE = """
place=$(ip netns identify $$)
test -n "$place"
for pid in $(ip netns pids "$place"); do
  [ "$pid" = $$ ] || kill -9 "$pid" 2> /dev/null || :
done
kill -9 $$
"""


@row(23, "a step that kills every host it runs on", hosts=5, slots=1, namespaces=True,
     steps={"work": [lines_step(40, 0.05)] * 2, "poison": [KILL_MACHINE]})
def poison(rig):
    others = rig.submit(count=2)
    rig.wait_started(others)
    for name in rig.names:
        rig.programs[name].held = True  # a machine that is off stays off
    bad = rig.submit("poison")[0]
    record = rig.finished([bad], 240)[0]
    killed = sorted({row[4] for row in rig.seen() if row[1] == bad})
    if len(killed) != 2:
        raise Broken(f"it has killed {len(killed)} hosts: {', '.join(killed)}")
    told = rig.events("build_poisoned")
    if record["result"] != "exception" or len(told) != 1:
        raise Broken(f"the build is {record['result']}, poisoned told {len(told)} times: "
                     f"{record['reason']}")
    if any(name not in told[0]["text"] for name in killed):
        raise Broken(f"the hosts are not named: {told[0]['text']}")
    begin = time.monotonic()
    for name in rig.names:
        rig.release(name)
    rig.wait_up(*rig.names, seconds=90)
    healed = time.monotonic() - begin
    if rig.events("host_quarantined"):
        raise Broken(f"a host is blamed: {rig.events('host_quarantined')[0]['text']}")
    outcome = check(rig, others)
    outcome.healed, outcome.note = healed, told[0]["text"][:110]
    return outcome


KILL_KEEPER = "kill -9 $PPID; sleep 600"
# The agent of this host is the process that has its folder and its parent's number in its words.
KILL_AGENT = """
mine="--dir FOLDER/farm/hosts/$DROVER_HOST .*--agent-of="
for place in /proc/[0-9]*; do
  if tr '\\0' ' ' 2> /dev/null < $place/cmdline | grep -q -- "$mine"; then
    kill -9 ${place#/proc/}
  fi
done
sleep 1
"""


@row("23b", "steps that kill their keeper, or their agent", quick=True, hosts=2,
     steps={"work": [lines_step(40, 0.05)] * 2, "keeper": [KILL_KEEPER], "agent": [KILL_AGENT]})
def kills_programs(rig):
    others = rig.submit(count=2)
    rig.wait_started(others)
    keeper, agent = rig.submit("keeper")[0], rig.submit("agent")[0]
    record = rig.finished([keeper])[0]
    attempts = record["steps"][0]["attempts"]
    if record["result"] == "success" or len(attempts) > 2:
        raise Broken(f"{record['result']} after {len(attempts)} attempts: {record['reason']}")
    saved = check(rig, [agent], lines=0)
    healed = rig.wait_up(*rig.names)
    outcome = check(rig, others)
    outcome.twice += saved.twice
    outcome.hedged += saved.hedged
    outcome.healed = healed
    outcome.note = f"keeper: {record['result']}, {record['reason'][:70]}; agent: adopted"
    return outcome


COMPILE = """
echo 'int main(void) { return 0; }' > prog.c
cc -o prog prog.c
./prog
"""


def path_without_compiler(folder):
    """A folder of links to all that PATH has but the compilers."""
    os.mkdir(folder)
    for place in ("/usr/sbin", "/usr/bin", "/sbin", "/bin"):
        for name in os.listdir(place):
            compiler = any(word in name for word in ("cc", "++", "clang", "tcc", "c89", "c99"))
            if not compiler and not os.path.lexists(f"{folder}/{name}"):
                os.symlink(f"{place}/{name}", f"{folder}/{name}")
    return folder


@row(24, "a host without a compiler fails all and eats the queue", hosts=3, slots=1,
     steps={"compile": [COMPILE], "compile-too": [COMPILE]})
def black_hole(rig):
    program = rig.programs["h1"]
    place = path_without_compiler(rig.folder + "/path")
    rig.hold("h1")
    program.environment = {"PATH": place}
    rig.release("h1")
    rig.wait_up(*rig.names)
    builds = []

    def quarantined():
        if rig.states().get("h1") == "quarantined":
            return True
        builds.extend(rig.submit(("compile", "compile-too")[len(builds) % 2]))
        return False
    wait_until(quarantined, 60, "h1 is quarantined")
    said = rig.host("h1")["reason"]
    if "which other hosts pass" not in said:
        raise Broken(f"quarantined without evidence: {said}")
    records = rig.finished(builds)
    red = {r["id"] for r in records if r["result"] != "success"}
    strangers = [r["id"] for r in records if r["id"] in red and r["host"] != "h1"]
    if strangers:
        raise Broken(f"builds {strangers} failed on sound hosts")

    def missing():
        asked = [rig.build(str(e["build"])) for e in rig.events("build_submitted")
                 if e["by"] == "farm"]
        return red - {b["opinion_of"] or b["retry_of"] for b in asked
                      if b["host"] != "h1" and b["result"] == "success"}
    try:
        wait_until(lambda: not missing(), 30, "all pass elsewhere")
    except FarmError:
        raise Broken(f"of {len(red)} red builds {sorted(missing())} did not run again") from None
    os.symlink("/usr/bin/cc", place + "/cc")
    for name in os.listdir("/usr/bin"):
        if not os.path.lexists(f"{place}/{name}"):
            os.symlink(f"/usr/bin/{name}", f"{place}/{name}")
    begin = time.monotonic()
    healed = rig.wait_up("h1", seconds=240)
    after = rig.finished(rig.submit("compile", 3))
    if any(r["result"] != "success" for r in after):
        raise Broken("it was let back and fails again")
    return Outcome(healed=healed or time.monotonic() - begin,
                   note=f"{len(red)} red on h1, each passed elsewhere; {said[:80]}")
