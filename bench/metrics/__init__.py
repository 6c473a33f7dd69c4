"""The metrics by name, in the order of the table. Each takes a context and returns figures.

SPDX-License-Identifier: Apache-2.0
"""

from . import (backlog, goodput, hedge, hosts, ingest, kills, link, log, noop, restart, simulate,
               steps)

ALL = {"link": link.measure, "log": log.measure, "steps": steps.measure, "hosts": hosts.measure,
       "noop": noop.measure, "backlog": backlog.measure, "ingest": ingest.measure,
       "restart": restart.measure, "hedge": hedge.measure, "kills": kills.measure,
       "goodput": goodput.measure, "simulate": simulate.measure}
