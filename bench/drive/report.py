"""The results as a table for the terminal, as Markdown and as JSON.

SPDX-License-Identifier: Apache-2.0
"""

import os
import platform
import statistics

HEADER = ["metric", "what", "here", "worst", "beside it", "ratio", "worst", "start", "goal", ""]
CORE_NAMES = ("model name", "Hardware", "cpu model")


def number(value):
    """Three digits that count."""
    if value is None:
        return ""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def row_of(figure):
    """The cells of one figure's line."""
    values, peers, ratios = figure.values, figure.peer_values, figure.ratios
    beside = figure.peer
    if peers:
        beside = f"{number(statistics.median(peers))} ({figure.peer})"
    return [figure.metric, figure.what, f"{number(statistics.median(values))} {figure.unit}",
            number(figure.worst_of(values)), beside,
            number(statistics.median(ratios)) if ratios else "",
            number(figure.worst_of(ratios)) if ratios else "",
            str(figure.start or ""), figure.goal, figure.verdict]


def terminal_table(figures):
    rows = [HEADER] + [row_of(figure) for figure in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
                     for row in rows)


def processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            for line in file:
                name, _, value = line.partition(":")
                if name.strip() in CORE_NAMES:
                    return value.strip()
    except OSError:
        return platform.machine()
    return platform.machine()


def machine():
    """What the figures depend on, without names and places."""
    with open("/proc/meminfo", encoding="ascii") as file:
        memory = int(file.readline().split()[1]) // (1024 * 1024)
    try:
        system = platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    except OSError:
        system = "Linux"
    return {"processor": processor(), "cores": os.cpu_count(), "memory_gib": memory,
            "kernel": platform.release().split("-")[0], "system": system}


def markdown(figures, context):
    here = machine()
    lines = ["# Performance", "",
             "Made by `bench/run --table docs/BENCH.md`; what each line means and how it is taken "
             "is in [bench/README.md](../bench/README.md).", "",
             f"One run on {here['processor']}, {here['cores']} cores, {here['memory_gib']} GiB, "
             f"{here['system']}, Linux {here['kernel']}.",
             f"All share {context.cores_used} of the cores, but for `hosts`. Medians and worst of "
             f"{context.repeats} repeats; what stands beside a figure was "
             "taken in turns with it.",
             "Figures of another machine, or of a busier minute, differ; ratios hardly.", "",
             "| metric | what | here | worst | beside it, in the same run | ratio | worst | "
             "start | goal | |",
             "|---|---|---|---|---|---|---|---|---|---|"]
    lines += ["| " + " | ".join(row_of(figure)) + " |" for figure in figures]
    lines += [""] + [f"- {figure.metric}, {figure.what}: {figure.note}"
                     for figure in figures if figure.note]
    lines += [f"- {note}" for note in context.notes]
    return "\n".join(lines).rstrip() + "\n"


def as_json(figures, context):
    return {"machine": machine(), "cores_used": context.cores_used, "repeats": context.repeats,
            "quick": context.quick,
            "notes": context.notes, "figures": [figure.as_json() for figure in figures]}
