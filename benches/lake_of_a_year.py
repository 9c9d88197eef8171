"""An S3 server with a year of keys and nothing else: 34 regions of hourly windows, their audits, and the run logs.

Listings are cut from lines of XML that are made once, so that the time of the server is not what is measured. moto and
s3s-fs walk their whole bucket for each page, which takes them many minutes for 300,000 keys.
"""

import asyncio
import gzip
import json
import sys
from bisect import bisect_left, bisect_right
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qs, unquote, urlsplit

from upstreams import regions

PREFIX = "history/"
PAGE_KEYS = 1000
PROBE = b"This store honours If-None-Match: Contrail put another text after this one, and it was refused.\n"


class Lake:
    def __init__(self, count, days):
        self.now = datetime.now(timezone.utc)
        today = self.now.replace(hour=0, minute=0, second=0, microsecond=0)
        created = today - timedelta(days=days)
        stamp = lambda time: time.strftime("%Y%m%dT%H%M%SZ")
        identity = {"format": 1, "created_at": created.strftime("%Y-%m-%dT%H:%M:%SZ"), "origin": "upstream", "spot_window": "1h"}
        log = gzip.compress(b"")
        self.objects = {"_contrail/lake.json": json.dumps(identity).encode(), "_contrail/probe": PROBE}
        keys = list(self.objects)
        hours = int((self.now - timedelta(minutes=15) - created).total_seconds()) // 3600
        for hour in range(hours):
            start = created + timedelta(hours=hour)
            day = start.strftime("%Y-%m-%d")
            span = f"{stamp(start)}-{stamp(start + timedelta(hours=1))}"
            keys += [f"raw/aws_spot_prices/dt={day}/region={name}/{span}.ndjson.gz" for name in regions(count)]
            key = f"_contrail/runs/dt={day}/{stamp(start + timedelta(minutes=10))}-{hour:08x}.ndjson.gz"
            self.objects[key] = log
            keys.append(key)
        for number in range(days):
            day = created + timedelta(days=number)
            name = f"{day:%Y%m%d}-{day + timedelta(days=1):%Y%m%d}.late.ndjson.gz"
            keys += [f"raw/aws_spot_prices/dt={day:%Y-%m-%d}/region={region}/{name}" for region in regions(count)]
        self.keys = sorted(PREFIX + key for key in keys)
        self.entries = [
            (
                f"<Contents><Key>{key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
                "<ETag>&quot;0&quot;</ETag><Size>20000</Size><StorageClass>STANDARD</StorageClass></Contents>"
            ).encode()
            for key in self.keys
        ]

    def page(self, prefix, delimiter, after):
        start = bisect_right(self.keys, after) if after else bisect_left(self.keys, prefix)
        end = bisect_left(self.keys, prefix + "\U0010ffff")
        if not delimiter:
            stop = min(end, start + PAGE_KEYS)
            return b"".join(self.entries[start:stop]), self.keys[stop - 1] if stop < end else None
        found, at = [], start
        while at < end and len(found) < PAGE_KEYS:
            folder = prefix + self.keys[at][len(prefix):].split("/")[0] + "/"
            found.append(folder)
            at = bisect_left(self.keys, folder + "\U0010ffff")
        folders = "".join(f"<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>" for folder in found)
        return folders.encode(), self.keys[at - 1] if at < end else None


class Server:
    """HTTP/1.1 for GET alone, on one thread: many threads of Python would only wait for each other."""

    def __init__(self, lake):
        self.lake, self.listings = lake, 0

    async def serve(self, reader, writer):
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                return writer.close()
            status, body = self.answer(urlsplit(head.split(b" ", 2)[1].decode()))
            writer.write(b"HTTP/1.1 %s\r\nContent-Type: application/xml\r\nContent-Length: %d\r\n\r\n" % (status, len(body)))
            writer.write(body)
            await writer.drain()

    def answer(self, url):
        if url.path == "/requests":
            return b"200 OK", str(self.listings).encode()
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if "list-type" not in query:
            body = self.lake.objects.get(unquote(url.path).removeprefix("/bench/" + PREFIX))
            return (b"404 Not Found", b"<Error><Code>NoSuchKey</Code></Error>") if body is None else (b"200 OK", body)
        self.listings += 1
        entries, token = self.lake.page(query.get("prefix", ""), query.get("delimiter"), query.get("continuation-token"))
        more = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{token}</NextContinuationToken>" if token else "<IsTruncated>false</IsTruncated>"
        start = f'<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bench</Name>{more}'
        return b"200 OK", start.encode() + entries + b"</ListBucketResult>"


async def main():
    count, days = map(int, sys.argv[1:])
    lake = Lake(count, days)
    server = await asyncio.start_server(Server(lake).serve, "127.0.0.1", 0, limit=1 << 20)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]} {len(lake.keys)}", flush=True)
    # The end of the pipe is the end of the bench.
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
