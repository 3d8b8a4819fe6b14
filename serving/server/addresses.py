"""The addresses that the server listens on: found by name, bound, and named in errors."""

import errno
import os
import socket
import stat
from dataclasses import dataclass
from pathlib import Path

from serving.server.config.text_proto import ConfigError

_MISSING = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
_MOST_PATH_BYTES = 107  # of a UNIX socket, on Linux


@dataclass(frozen=True)
class Address:
    """An IP address and a port; port 0 stands for a free one."""

    ip: str
    port: int

    @property
    def family(self) -> int:
        """IPv6 or IPv4, as a number of `socket`."""
        return socket.AF_INET6 if ":" in self.ip else socket.AF_INET

    def __str__(self) -> str:
        """As in a URL, and as gRPC reads it.

        >>> str(Address("::1", 8500))
        '[::1]:8500'
        """
        return f"[{self.ip}]:{self.port}" if ":" in self.ip else f"{self.ip}:{self.port}"


def listen(host: str, port: int, flag: str) -> list[socket.socket]:
    """A listening socket for each address of `host` that this machine has, on one port.

    Args:
        host: A name or address, also `[::1]`; `0.0.0.0` and `::` stand for all.
        port: The port; 0 takes a free one.
        flag: The flag that named the port, for the error.

    Raises:
        ConfigError: the name is unknown, the address is another machine's, or the port is in use.
    """
    sockets: list[socket.socket] = []
    missing: list[ConfigError] = []
    for ip in _ips(host):
        address = Address(ip, port)
        try:
            sockets.append(_listen(address))
        except OSError as error:
            reason = _explained(address, error, flag)
            if error.errno in _MISSING:  # localhost is ::1 too where there is no IPv6
                missing.append(reason)
                continue
            close(sockets)
            raise reason from error
        port = sockets[-1].getsockname()[1]  # the same for all
    if not sockets:
        raise missing[0]
    return sockets


def close(sockets: list[socket.socket]) -> None:
    """Close all of them."""
    for each in sockets:
        each.close()


def bound(listener: socket.socket) -> Address:
    """The address and the port that a socket has."""
    return Address(*listener.getsockname()[:2])


def check_socket_path(path: str) -> None:
    """Refuse the path of a UNIX socket that cannot be made, or where another server listens.

    gRPC itself would take the path away from that server, whose clients would then come here.
    Raises ConfigError.
    """
    if len(os.fsencode(path)) > _MOST_PATH_BYTES:
        raise ConfigError(
            f"--grpc_socket_path {path}: a path of at most {_MOST_PATH_BYTES} bytes is needed"
        )
    if not Path(path).parent.is_dir():
        raise ConfigError(f"--grpc_socket_path {path}: there is no folder {Path(path).parent}")
    if not os.path.lexists(path):
        return
    if not stat.S_ISSOCK(os.lstat(path).st_mode):
        raise ConfigError(f"--grpc_socket_path {path} exists, and is not a socket")
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(5)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            return  # its server has ended without removing it
        except OSError as error:
            raise ConfigError(f"--grpc_socket_path {path}: {error.strerror or error}") from error
    raise ConfigError(
        f"--grpc_socket_path {path} is in use by another server. Stop it, or choose another path."
    )


def _ips(host: str) -> list[str]:
    """The addresses of a name, without repetitions. Raises ConfigError."""
    name = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    try:
        if not name:
            raise OSError(errno.EINVAL, "it is empty")
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(
            f"--host {host} is not an address: {reason}. Expected an address of this machine, such "
            "as 127.0.0.1 or ::1, its name, or 0.0.0.0 or :: for all."
        ) from error
    return list(dict.fromkeys(_numeric(family, address) for family, _, _, _, address in found))


def _numeric(family: int, address: tuple) -> str:
    """An IP address; that of a link with the number of its interface."""
    scope = address[3] if family == socket.AF_INET6 else 0
    return f"{address[0]}%{scope}" if scope and "%" not in address[0] else address[0]


def _listen(address: Address) -> socket.socket:
    # The protocol is named because asyncio switches Nagle's algorithm off only on sockets that say
    # they are TCP. With it, every answer on a kept connection would wait up to 40 ms for the
    # client's delayed acknowledgement.
    listener = socket.socket(address.family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if address.ip == "::":  # IPv4 as well, whatever the default of this machine is
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        ip, _, scope = address.ip.partition("%")
        rest = (0, int(scope)) if scope else ()
        listener.bind((ip, address.port, *rest))
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def _explained(address: Address, error: OSError, flag: str) -> ConfigError:
    advice = {
        errno.EADDRINUSE: f"the port is in use. Stop what uses it, or choose another {flag}.",
        errno.EACCES: f"ports below 1024 are not allowed here. Choose another {flag}.",
        errno.EADDRNOTAVAIL: "--host is not an address of this machine.",
        errno.EAFNOSUPPORT: "this machine has no IPv6.",
    }
    reason = advice.get(error.errno or 0, f"{error.strerror or error}.")
    return ConfigError(f"Cannot listen on {address}: {reason}")
