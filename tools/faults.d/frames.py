"""The frames of Cap'n Proto RPC, as far as a proxy has to know them (rpc.capnp, wire.capnp).

SPDX-License-Identifier: Apache-2.0
"""

import struct

CALL, RETURN = 2, 3  # of rpc.capnp's Message
ATTEMPT_ENDED = 4    # of HostMessage

HEADER_SEGMENTS_MAX = 512


async def read_frame(reader):
    """The bytes of one message with its segment table; None at the end of the stream."""
    first = await reader.read(4)
    if not first:
        return None
    first += await reader.readexactly(4 - len(first))
    count = struct.unpack("<I", first)[0] + 1
    if count > HEADER_SEGMENTS_MAX:
        raise ValueError(f"{count} segments: that is no frame")
    table = await reader.readexactly(4 * count + (4 if count % 2 == 0 else 0))
    words = sum(struct.unpack_from(f"<{count}I", table))
    return first + table + await reader.readexactly(8 * words)


def finish(question):
    """The frame that lets go of a question."""
    struct_of = 1 << 32  # a struct pointer: it follows at once, and has one word of data
    return struct.pack("<IIQQQQ", 0, 4, struct_of | 1 << 48, 4, struct_of, question)


class Frame:
    """One message; what it can't make out it takes for nothing of interest."""

    def __init__(self, data):
        self.data = bytearray(data)
        count = struct.unpack_from("<I", data)[0] + 1
        sizes = struct.unpack_from(f"<{count}I", data, 4)
        place = (4 + 4 * count + 7) // 8 * 8
        self.segments = []
        for size in sizes:
            self.segments.append(place)
            place += 8 * size
        root = self.follow(self.segments[0])
        self.kind = self.number(root[0], "<H") if root else None
        self.body = self.follow(self.pointer(root, 0)) if root else None

    def number(self, place, form="<I"):
        return struct.unpack_from(form, self.data, place)[0]

    def follow(self, place):
        """(place of its data, words of data, pointers) of the struct pointed to; or None."""
        word = self.number(place, "<Q")
        if word & 3 == 2:
            if word & 4 or word >> 32 >= len(self.segments):
                return None  # a far pointer to a far pointer: nothing of ours needs one
            place = self.segments[word >> 32] + 8 * (word >> 3 & 0x1fffffff)
            word = self.number(place, "<Q")
        if word & 3 != 0 or word == 0:
            return None
        offset = word >> 2 & 0x3fffffff
        if offset >= 1 << 29:
            offset -= 1 << 30
        return place + 8 + 8 * offset, word >> 32 & 0xffff, word >> 48

    @staticmethod
    def pointer(struct_of, index):
        place, words, pointers = struct_of
        if index >= pointers:
            raise ValueError("a struct has fewer pointers than it must have")
        return place + 8 * (words + index)

    @property
    def question(self):
        """Of a call and of its answer: the number that joins them."""
        return self.number(self.body[0]) if self.body else None

    @property
    def target(self):
        """The capability that a call goes to."""
        where = self.follow(self.pointer(self.body, 0))
        return self.number(where[0]) if where else 0

    @property
    def host_message(self):
        """Which alternative of HostMessage a call to a session carries."""
        at = self.body
        for index in (1, 0, 0):  # the call's payload, its content, its only field
            at = self.follow(self.pointer(at, index)) if at else None
        return self.number(at[0], "<H") if at else 0

    def again(self, question, target=None):
        """The same call under another number, perhaps to another capability."""
        copy = Frame(self.data)
        struct.pack_into("<I", copy.data, copy.body[0], question)
        where = copy.follow(copy.pointer(copy.body, 0))
        if target is not None and where:
            struct.pack_into("<I", copy.data, where[0], target)
        return copy
