"""HTTP connections that end where the client stops sending or reading in the middle."""

import functools
import json

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

_WAITED = json.dumps({"error": "Timed out waiting for the request"}).encode()


def timed_connections(seconds: float) -> type[H11Protocol]:
    """The protocol to pass to uvicorn as `http`.

    Args:
        seconds: How long a client may take to send the head of a request, to send the rest of a
            body that is not wanted any more, or to read any part of an answer. A body that is
            wanted has the time limit of its request.
    """
    protocol = functools.partial(_TimedConnection, seconds=seconds)
    return protocol  # pyright: ignore[reportReturnType]: uvicorn only calls it


class _TimedConnection(H11Protocol):
    """uvicorn waits for all of this without an end: a few clients could hold every connection."""

    def __init__(self, *args, seconds: float, **options):
        super().__init__(*args, **options)
        self._seconds = seconds
        self._request_timer = None
        self._answer_timer = None

    def connection_made(self, transport) -> None:
        super().connection_made(transport)
        self._request_timer = self.loop.call_later(self._seconds, self._request_is_late)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch_request()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch_request()

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in filter(None, (self._request_timer, self._answer_timer)):
            timer.cancel()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_answer()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._answer_timer:
            self._answer_timer.cancel()

    def _watch_request(self) -> None:
        """Start the timer where a request has begun; stop it once the request is complete."""
        head_begun = self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]
        body_unwanted = self.conn.their_state is h11.SEND_BODY and self.conn.our_state is h11.DONE
        if not (head_begun or body_unwanted):
            if self._request_timer:
                self._request_timer.cancel()
            self._request_timer = None
        elif self._request_timer is None:
            self._request_timer = self.loop.call_later(self._seconds, self._request_is_late)

    def _request_is_late(self) -> None:
        if self.transport.is_closing():
            return
        if self.conn.our_state is h11.IDLE and self.conn.trailing_data[0]:
            headers = [("content-type", "application/json"), ("connection", "close")]
            for event in (
                h11.Response(status_code=408, headers=headers, reason=b"Request Timeout"),
                h11.Data(data=_WAITED),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _watch_answer(self) -> None:
        unread = self.transport.get_write_buffer_size()
        self._answer_timer = self.loop.call_later(self._seconds, self._check_answer, unread)

    def _check_answer(self, unread: int) -> None:
        """End the connection where not a byte was read since the last look."""
        if self.transport.get_write_buffer_size() < unread:
            self._watch_answer()
        else:
            self.transport.abort()
