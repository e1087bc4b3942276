"""Optional traces (OpenTelemetry): a span for each request and for each attempt to send. Off: nothing is imported.

Spans carry ids, keys and durations, never a number, a code or a token. They are made when the thing is over, so a
request costs nothing more while it runs; they leave in a thread of the library's, in batches, and are dropped where
nobody takes them. An incoming `traceparent` is continued (W3C Trace Context).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from ostiary.server.core.millis import SECOND
from ostiary.server.core.ports import Ports
from ostiary.server.delivery.watch import Unwatched, Watch
from ostiary.server.settings import StartRefusedError
from ostiary.server.storage.outbox import Outcome, Stored
from ostiary.server.web.answers import Answer, Request

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import SpanKind

_EXPORT_SECONDS = 5
_NANO = 1_000_000_000


class Traces(Protocol):
    """Where spans go."""

    def answered(self, request: Request, answer: Answer, seconds: float) -> None:
        """A request was answered."""

    def watching(self, other: Watch | None) -> Watch:
        """A watch over the outbox worker that traces, and tells another one."""

    def close(self) -> None:
        """Send what is left; may block for a few seconds."""


class NoTraces:
    """They go nowhere."""

    def answered(self, request: Request, answer: Answer, seconds: float) -> None:
        """Forget it."""

    def watching(self, other: Watch | None) -> Watch:
        """Only the other one."""
        return other or Unwatched()

    def close(self) -> None:
        """Nothing is left."""


def tracing(endpoint: str, ports: Ports) -> Traces:
    """Traces to an OTLP endpoint, or none. Raises `StartRefusedError` where the extra is not installed."""
    if not endpoint:
        return NoTraces()
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError as error:
        raise StartRefusedError(
            "otlp_endpoint requires OpenTelemetry: pip install 'ostiary[otel]'"
        ) from error
    return OpenTelemetry(OTLPSpanExporter(endpoint, timeout=_EXPORT_SECONDS), ports)


class OpenTelemetry:
    """Spans by the OpenTelemetry SDK."""

    def __init__(self, exporter: "SpanExporter", ports: Ports) -> None:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._ports = ports
        self._provider = TracerProvider(
            resource=Resource.create({"service.name": "ostiary"}), shutdown_on_exit=False
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("ostiary")
        self._context = TraceContextTextMapPropagator()

    def answered(self, request: Request, answer: Answer, seconds: float) -> None:
        """A server span; its name is the operation, so that no client can make names."""
        from opentelemetry.trace import SpanKind

        parent = request.headers.get(b"traceparent", b"").decode("latin-1")
        self._span(
            request.operation,
            SpanKind.SERVER,
            seconds,
            {
                "http.request.method": request.method,
                "http.response.status_code": answer.status,
                "ostiary.key": answer.key,
                "ostiary.request_id": request.id,
            },
            failed=answer.status >= 500,
            carrier={"traceparent": parent} if parent else {},
        )

    def attempted(self, message: Stored, outcome: Outcome, seconds: float) -> None:
        """A client span for an attempt to send."""
        from opentelemetry.trace import SpanKind

        self._span(
            f"send {message.medium}",
            SpanKind.CLIENT,
            seconds,
            {
                "ostiary.message_id": message.id,
                "ostiary.purpose": message.purpose,
                "ostiary.state": outcome.state,
                "ostiary.attempt": message.attempts,
            },
            failed=outcome.state != "sent",
        )

    def watching(self, other: Watch | None) -> Watch:
        """This, and the other one."""
        return _Both(self, other or Unwatched())

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()

    def _span(
        self,
        name: str,
        kind: "SpanKind",
        seconds: float,
        attributes: Mapping[str, str | int],
        *,
        failed: bool,
        carrier: Mapping[str, str] | None = None,
    ) -> None:
        from opentelemetry.trace import StatusCode

        end = self._ports.clock.undisturbed() * (_NANO // SECOND)
        span = self._tracer.start_span(
            name,
            context=self._context.extract(carrier) if carrier else None,
            kind=kind,
            attributes=attributes,
            start_time=end - int(seconds * _NANO),
        )
        if failed:
            span.set_status(StatusCode.ERROR)
        span.end(end)


class _Both:
    """Two watches."""

    def __init__(self, first: Watch, second: Watch) -> None:
        self._watches = (first, second)

    def attempted(self, message: Stored, outcome: Outcome, seconds: float) -> None:
        """Tell both."""
        for watch in self._watches:
            watch.attempted(message, outcome, seconds)
