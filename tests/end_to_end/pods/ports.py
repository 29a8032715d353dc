"""Passes on what is asked of a port in another network to one of this machine's loopback: run as a program.

Its arguments are a process that is in that network, the address and the port there, and the port here.
"""

import asyncio
import ctypes
import os
import socket
import sys
from pathlib import Path

_NETWORKS = 0x40000000  # CLONE_NEWNET of <sched.h>


def main(process: str, host: str, port: str, to: str) -> None:
    """Listen there, say so, and pass on until it is ended."""
    listening = _listening(Path("/proc", process, "ns", "net"), host, int(port))
    sys.stdout.write("listens\n")
    sys.stdout.flush()
    asyncio.run(_serve(listening, int(to)))


def _listening(network: Path, host: str, port: int) -> socket.socket:
    """Listen in a network, and be back in one's own afterwards: what listens stays where it was made."""
    enter = ctypes.CDLL(None, use_errno=True).setns
    with Path("/proc/self/ns/net").open() as own, network.open() as other:
        _check(enter(other.fileno(), _NETWORKS))
        try:
            return socket.create_server((host, port))
        finally:
            _check(enter(own.fileno(), _NETWORKS))


def _check(answer: int) -> None:
    if answer != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


async def _serve(listening: socket.socket, to: int) -> None:
    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", to)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))

    server = await asyncio.start_server(pass_on, sock=listening)
    await server.serve_forever()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while part := await reader.read(65536):
            writer.write(part)
            await writer.drain()
    except OSError:
        pass  # either side may go at any time
    writer.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
