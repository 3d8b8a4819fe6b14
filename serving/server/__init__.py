"""The embedded server: TensorFlow Serving's protocol where its binary is missing (laptop, CI).

A request's way: `prediction_service` or `rest` -> `manager` (which version) -> `servable` (the
Session) -> `batching` (when enabled) -> back. `ledger` counts it and logs it if it failed;
`failure` is the one exception that reaches a client.
"""
