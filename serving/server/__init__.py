"""The embedded server: TensorFlow Serving's protocol where its binary is missing (laptop, CI).

The way of a request: `grpc_api.prediction_service` or `rest_api.rest` -> `servables.manager` (which
version) -> `servables.servable` (the Session), through `servables.batching` where it is enabled ->
back. `request_log` counts it, and logs it if it failed; `status` has the one exception that reaches
a client.
"""
