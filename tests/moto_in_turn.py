"""moto on a port of loopback, one write after the other: python moto_in_turn.py PORT

moto answers a put with `If-None-Match: *` in two steps: it looks for the object, then it writes it, and another request may
come in between. S3 has no such moment, so a race of sixteen writers would test moto's luck and not the store.
"""

import os
import sys
import threading

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import run_simple

port = int(sys.argv[1])
os.environ["MOTO_PORT"] = str(port)
moto = DomainDispatcherApplication(create_backend_app)
moto.debug = True
writing = threading.Lock()


def in_turn(environ, start_response):
    if environ["REQUEST_METHOD"] not in ("PUT", "POST"):
        return moto(environ, start_response)
    with writing:
        return moto(environ, start_response)


run_simple("127.0.0.1", port, in_turn, threaded=True, request_handler=MotoRequestHandler)
