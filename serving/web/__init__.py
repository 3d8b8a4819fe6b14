"""The page that shows captions being drawn: a small HTTP server in front of any gRPC server.

`app` answers the page's requests, `json_payloads` has their contents, `security` restricts them,
and `static/` is the page itself.
"""
