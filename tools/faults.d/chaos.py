"""A proxy between a host and its coordinator that treats their frames badly, from a seed.

SPDX-License-Identifier: Apache-2.0

It ends TLS towards both sides with their own keys, so it can do to messages what a network does
to packets: delay them, say them twice, let one overtake another, hold one back, trickle, or say
nothing while the connection stands. A call that is said twice gets a number of its own, as a resend
has; `repeat` repeats a frame as it was, which is a breach of the protocol.
"""

import asyncio
import contextlib
import dataclasses
import random
import ssl
import threading
import time

from frames import ATTEMPT_ENDED, CALL, RETURN, Frame, finish, read_frame

OWN_QUESTIONS = 0x60000000  # numbers that neither side will ever use
OVERTAKE_SECONDS = 0.1      # nothing has come to overtake it: it goes on
SLICE = 512                 # bytes at once on a slow link


@dataclasses.dataclass
class Mood:
    """What is done to frames; chances are of one call each."""
    duplicate: float = 0.0
    overtake: float = 0.0
    repeat: float = 0.0
    delay: float = 0.0             # seconds at most
    bytes_per_second: int = 0      # 0: as fast as it goes
    silent: bool = False           # nothing passes, nothing is closed
    silent_after_result: bool = False  # ... from the first result on, which is kept


class Relay:
    """One connection of a host and its continuation to the coordinator."""

    def __init__(self, proxy, host, farm):
        self.proxy, self.host, self.farm = proxy, host, farm
        self.calls_seen = 0
        self.own = {True: set(), False: set()}  # our questions, by whether they go to the farm
        self.session = None

    async def run(self):
        ways = [asyncio.ensure_future(self.carry(self.host[0], self.farm[1], True)),
                asyncio.ensure_future(self.carry(self.farm[0], self.host[1], False))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def carry(self, reader, writer, to_farm):
        """Ends with the stream, or with its breach of what frames are."""
        arrived = asyncio.Queue()
        reading = asyncio.ensure_future(self.read(reader, arrived))
        overtaken = None
        try:
            while True:
                try:
                    wait = OVERTAKE_SECONDS if overtaken else None
                    frame, due = await asyncio.wait_for(arrived.get(), wait)
                except asyncio.TimeoutError:
                    await self.write(writer, overtaken.data)
                    overtaken = None
                    continue
                await self.proxy.loud()
                if frame is None:
                    return
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                if self.is_ours(frame, to_farm):
                    continue
                frames = self.treated(frame, to_farm)
                await self.proxy.loud()  # its own treatment may have silenced the link
                if overtaken is None and len(frames) == 1 and self.chance(frame, to_farm,
                                                                          "overtake"):
                    overtaken = frames[0]
                    continue
                for each in frames + ([overtaken] if overtaken else []):
                    await self.write(writer, each.data)
                overtaken = None
        finally:
            reading.cancel()

    async def read(self, reader, arrived):
        try:
            while (data := await read_frame(reader)) is not None:
                pause = self.proxy.random.uniform(0, self.proxy.mood.delay)
                await arrived.put((Frame(data), time.monotonic() + pause))
        except (OSError, ValueError, asyncio.IncompleteReadError):
            pass  # a peer that goes in the middle of a word has gone
        await arrived.put((None, 0))

    async def write(self, writer, data):
        speed = self.proxy.mood.bytes_per_second
        if speed == 0:
            writer.write(data)
            return await writer.drain()
        for start in range(0, len(data), SLICE):
            piece = data[start:start + SLICE]
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(len(piece) / speed)

    def is_plain_call(self, frame, to_farm):
        """A message of ours; a host's first call is its join, which carries a capability."""
        return frame.kind == CALL and frame.body and (not to_farm or self.calls_seen > 1)

    def chance(self, frame, to_farm, what):
        hit = self.is_plain_call(frame, to_farm) and (
            self.proxy.random.random() < getattr(self.proxy.mood, what))
        self.proxy.counts[what] += hit
        return hit

    def is_ours(self, frame, to_farm):
        """An answer to a call that the proxy has made up: nobody else waits for it."""
        if frame.kind != RETURN or frame.question not in self.own[not to_farm]:
            return False
        self.own[not to_farm].discard(frame.question)
        self.proxy.answered += 1
        (self.host if to_farm else self.farm)[1].write(finish(frame.question))
        return True

    def copy(self, frame, to_farm, target=None):
        self.proxy.made += 1
        question = OWN_QUESTIONS + self.proxy.made
        self.own[to_farm].add(question)
        return frame.again(question, target)

    def treated(self, frame, to_farm):
        """The frames that go on instead of this one."""
        proxy = self.proxy
        self.calls_seen += to_farm and frame.kind == CALL
        if not self.is_plain_call(frame, to_farm):
            return [frame]
        out = [frame]
        if to_farm:
            if (proxy.mood.silent_after_result and proxy.kept is None
                    and frame.host_message == ATTEMPT_ENDED):
                proxy.kept, proxy.mood.silent = Frame(frame.data), True
            out += [self.copy(proxy.kept, True, frame.target) for _ in range(proxy.replays)]
            proxy.replays = 0
        if self.chance(frame, to_farm, "duplicate"):
            out.append(self.copy(frame, to_farm))
        if self.chance(frame, to_farm, "repeat"):
            out.append(frame)
        return out


class ChaosProxy:
    """Listens on `port` of `address` as the coordinator, and goes on to it as the host."""

    def __init__(self, loop, keys, coordinator_port, seed, address="127.0.0.1"):
        self.loop, self.coordinator_port = loop, coordinator_port
        self.mood, self.random = Mood(), random.Random(seed)
        self.made = self.answered = self.replays = self.connections = 0
        self.counts = {"duplicate": 0, "overtake": 0, "repeat": 0}
        self.kept = None
        farm_keys, host_keys = keys
        self.as_farm = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.as_farm.load_cert_chain(farm_keys + "/coordinator.crt", farm_keys + "/coordinator.key")
        self.as_host = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.as_host.load_cert_chain(host_keys + "/host.crt", host_keys + "/host.key")
        self.as_host.check_hostname = False  # the name stands in the subject alone
        for side in (self.as_farm, self.as_host):
            side.load_verify_locations(farm_keys + "/ca.crt")
            side.verify_mode = ssl.CERT_REQUIRED
        self.server = self.call(asyncio.start_server(self.accept, address, 0, ssl=self.as_farm))
        self.port = self.server.sockets[0].getsockname()[1]

    def call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(30)

    async def loud(self):
        while self.mood.silent:
            await asyncio.sleep(0.02)

    async def accept(self, reader, writer):
        self.connections += 1
        with contextlib.closing(writer), contextlib.suppress(OSError):
            await self.loud()
            farm = await asyncio.open_connection("127.0.0.1", self.coordinator_port,
                                                 ssl=self.as_host)
            with contextlib.closing(farm[1]):
                await Relay(self, (reader, writer), farm).run()

    def replay(self, times):
        """Says the kept result again, with the host's next message."""
        self.replays = times


def start_loop():
    """A loop in a thread of its own; stop it by `stop_loop`."""
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)  # connections that break are what this is for
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    loop.thread = thread
    return loop


def stop_loop(loop):
    async def cancel_all():
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
    asyncio.run_coroutine_threadsafe(cancel_all(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    loop.thread.join(10)
