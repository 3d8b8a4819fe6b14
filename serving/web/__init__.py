"""The page that shows a drawing being made: a small HTTP server in front of any gRPC server.

`app` answers the page's requests, `payloads` says what they hold, `protection` guards them,
`static/` is the page itself.
"""
