#!/usr/bin/env python3
"""The upstreams that the benches crawl: price lists, Azure's retail prices and EC2's spot history of any size, on loopback.

Everything is made while it is sent, from one template of some hundred KB in which only a number changes from copy to copy.
gzip looks back 32 KB, so the copies cost and compress like so much fresh text; every item, row and SKU is unique.

    python3 benches/upstreams.py '{"list_bytes": 1000000000}'

prints its address and serves until its stdin is closed. Needs the standard library only.
"""

import hashlib
import json
import random
import sys
import threading
import time
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

MARK = "#######"  # stands in a template where the number of the copy goes
OFFER, VERSION = "AmazonEC2", "20260101000000"


def copy(template, number):
    return template.replace(MARK.encode(), b"%07d" % number)


# --- the AWS price list ----------------------------------------------------------------------------------------------


def code(chance, length=16):
    return "".join(chance.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", k=length))


def products_template(chance, count=250):
    """Products as they stand in an offer file: the same attributes over and over, other values."""
    products = []
    for _ in range(count):
        sku = code(chance, 9) + MARK
        family, size = chance.choice(["m5", "c6i", "r7g", "t3", "m7i", "x2idn"]), chance.choice(["large", "xlarge", "4xlarge"])
        attributes = {
            "servicecode": OFFER,
            "location": "US East (N. Virginia)",
            "locationType": "AWS Region",
            "instanceType": f"{family}.{size}",
            "currentGeneration": "Yes",
            "instanceFamily": chance.choice(["General purpose", "Compute optimized", "Memory optimized"]),
            "vcpu": str(chance.choice([2, 4, 8, 16, 32, 64])),
            "physicalProcessor": chance.choice(["Intel Xeon Platinum 8175", "AWS Graviton3 Processor", "AMD EPYC 7571"]),
            "clockSpeed": "3.1 GHz",
            "memory": f"{chance.choice([4, 8, 16, 32, 128])} GiB",
            "storage": "EBS only",
            "networkPerformance": chance.choice(["Up to 10 Gigabit", "25 Gigabit", "High"]),
            "tenancy": chance.choice(["Shared", "Dedicated", "Host"]),
            "operatingSystem": chance.choice(["Linux", "Windows", "RHEL", "SUSE"]),
            "licenseModel": "No License required",
            "usagetype": f"BoxUsage:{family}.{size}",
            "operation": f"RunInstances:{chance.randrange(9999):04d}",
            "capacitystatus": chance.choice(["Used", "UnusedCapacityReservation", "AllocatedCapacityReservation"]),
            "preInstalledSw": chance.choice(["NA", "SQL Ent", "SQL Web"]),
            "instancesku": code(chance),
            "regionCode": "us-east-1",
            "servicename": "Amazon Elastic Compute Cloud",
        }
        product = {"sku": sku, "productFamily": "Compute Instance", "attributes": attributes}
        products.append(f'    "{sku}" : ' + json.dumps(product, indent=2, separators=(",", " : ")).replace("\n", "\n    "))
    return (",\n".join(products)).encode()


def terms_template(chance, count=250):
    terms = []
    for _ in range(count):
        sku, term, rate = code(chance, 9) + MARK, code(chance, 10), code(chance, 10)
        price = {
            "rateCode": f"{sku}.{term}.{rate}",
            "description": f"${chance.random():.4f} per On Demand Linux m5.large Instance Hour",
            "beginRange": "0",
            "endRange": "Inf",
            "unit": "Hrs",
            "pricePerUnit": {"USD": f"{chance.random() * 9:.10f}"},
            "appliesTo": [],
        }
        entry = {
            f"{sku}.{term}": {
                "offerTermCode": term,
                "sku": sku,
                "effectiveDate": f"2026-{chance.randrange(1, 13):02d}-{chance.randrange(1, 29):02d}T00:00:00Z",
                "priceDimensions": {f"{sku}.{term}.{rate}": price},
                "termAttributes": {"LeaseContractLength": "1yr", "OfferingId": code(chance)},
            }
        }
        terms.append(f'      "{sku}" : ' + json.dumps(entry, indent=2, separators=(",", " : ")).replace("\n", "\n      "))
    return (",\n".join(terms)).encode()


class PriceList:
    """An offer file of about `size` bytes, half of it products and half of it terms."""

    HEAD = (
        f'{{\n  "formatVersion" : "v1.0",\n  "disclaimer" : "Made up by a bench.",\n  "offerCode" : "{OFFER}",\n'
        f'  "version" : "{VERSION}",\n  "publicationDate" : "2026-01-01T00:00:00Z",\n  "products" : {{\n'
    ).encode()
    MIDDLE = b'\n  },\n  "terms" : {\n    "OnDemand" : {\n'
    TAIL = b'\n    }\n  },\n  "attributesList" : { }\n}\n'

    def __init__(self, size):
        chance = random.Random(1)
        self.halves = [products_template(chance), terms_template(chance)]
        self.copies = [max(1, round(size / 2 / (len(half) + 2))) for half in self.halves]
        self.products = self.copies[0] * 250
        fixed = len(self.HEAD) + len(self.MIDDLE) + len(self.TAIL)
        self.length = fixed + sum((len(h) + 2) * n - 2 for h, n in zip(self.halves, self.copies))

    def pieces(self):
        for start, half, copies in zip((self.HEAD, self.MIDDLE), self.halves, self.copies):
            yield start
            for number in range(copies):
                if number:
                    yield b",\n"
                yield copy(half, number)
        yield self.TAIL

    def sha256(self):
        digest = hashlib.sha256()
        for piece in self.pieces():
            digest.update(piece)
        return digest.hexdigest()


# --- Azure -----------------------------------------------------------------------------------------------------------

PAGE_ITEMS = 1000


def azure_template(chance):
    items = []
    for index in range(PAGE_ITEMS):
        price = f"{chance.random() * 4:.6f}".rstrip("0")
        size = chance.choice(["D2s v5", "E16-4ds v4", "F72s v2", "L8s v3", "NC24ads A100 v4", "B2ts v2"])
        product, sku = code(chance, 5) + MARK, code(chance, 4)
        meter = f"{chance.randrange(16**8):08x}-{chance.randrange(16**4):04x}-{index:04x}-{chance.randrange(16**4):04x}-00000{MARK}"
        region = chance.choice(["westeurope", "eastus2", "southeastasia", "brazilsouth", "uksouth", "usgovvirginia"])
        items.append(
            f'{{"currencyCode":"USD","tierMinimumUnits":0.0,"retailPrice":{price}1,"unitPrice":{price}1,"armRegionName":"{region}",'
            f'"location":"{region.upper()}","effectiveStartDate":"2026-{chance.randrange(1, 13):02d}-01T00:00:00Z","meterId":"{meter}",'
            f'"meterName":"{size}","productId":"DZH3{product}","skuId":"DZH3{product}/{sku}","productName":"Virtual Machines '
            f'{size} Series{chance.choice(["", " Windows"])}","skuName":"{size}{chance.choice(["", " Spot", " Low Priority"])}",'
            f'"serviceName":"Virtual Machines","serviceId":"DZH313Z7MMC8","serviceFamily":"Compute","unitOfMeasure":"1 Hour",'
            f'"type":"Consumption","isPrimaryMeterRegion":true,"armSkuName":"Standard_{size.replace(" ", "_")}",'
            f'"savingsPlan":[{{"unitPrice":{price}7,"retailPrice":{price}7,"term":"3 Years"}}]}}'
        )
    return ",".join(items).encode()


# --- EC2 -------------------------------------------------------------------------------------------------------------

PAGE_ROWS = 1000
NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"


def regions(count):
    return [f"bench-region-{number}" for number in range(1, count + 1)]


def spot_page(template, number, to, next_token):
    """A page of changes, newest first, each of a pool of its own."""
    first = (to - timedelta(seconds=1 + number)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    body = copy(template, number).replace(b"@TIMESTAMP@", first.encode())
    token = f"<nextToken>{next_token}</nextToken>" if next_token else "<nextToken/>"
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<DescribeSpotPriceHistoryResponse xmlns="{NAMESPACE}"><requestId>bench</requestId>'
    return (head + "<spotPriceHistorySet>").encode() + body + f"</spotPriceHistorySet>{token}</DescribeSpotPriceHistoryResponse>".encode()


def spot_template(chance):
    rows = []
    for index in range(PAGE_ROWS):
        rows.append(
            f"<item><instanceType>m{index}.x{MARK}large</instanceType><productDescription>Linux/UNIX</productDescription>"
            f"<spotPrice>{chance.random():.6f}</spotPrice><timestamp>@TIMESTAMP@</timestamp>"
            f"<availabilityZone>bench-a</availabilityZone><availabilityZoneId>bench-az1</availabilityZoneId></item>\n"
        )
    return "".join(rows).encode()


# --- the server ------------------------------------------------------------------------------------------------------


class Upstreams:
    def __init__(self, options):
        chance = random.Random(2)
        self.price_list = PriceList(options.get("list_bytes", 1_000_000))
        self.lists = options.get("lists", 1)
        self.azure_pages = options.get("azure_items", PAGE_ITEMS) // PAGE_ITEMS
        self.azure = azure_template(chance)
        self.regions = regions(options.get("regions", 1))
        self.spot_pages = options.get("spot_pages", 1)
        self.spot_delay = options.get("spot_delay", 0.0)
        self.spot = spot_template(chance)
        self.lock = threading.Lock()
        self.sent = {"bytes": 0, "requests": 0}

    def list_regions(self):
        return [f"us-bench-{number}" for number in range(1, self.lists + 1)]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    upstreams = None

    def log_message(self, *_):
        pass

    def answer(self, body, kind="application/json", length=None):
        pieces = [body] if isinstance(body, bytes) else body
        length = len(body) if length is None else length
        with self.upstreams.lock:
            self.upstreams.sent["requests"] += 1
            self.upstreams.sent["bytes"] += length
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        for piece in pieces:
            self.wfile.write(piece)

    def json(self, value):
        self.answer(json.dumps(value).encode())

    def do_GET(self):
        url, upstreams = urlsplit(self.path), self.upstreams
        root = f"/offers/v1.0/aws/{OFFER}"
        if url.path == "/facts":
            facts = {"products": upstreams.price_list.products, "bytes": upstreams.price_list.length, "sent": upstreams.sent}
            self.json({**facts, "sha256": upstreams.price_list.sha256()})
        elif url.path == f"{root}/current/region_index.json":
            entry = lambda region: {"regionCode": region, "currentVersionUrl": f"{root}/{VERSION}/{region}/index.json"}
            self.json({"regions": {region: entry(region) for region in upstreams.list_regions()}})
        elif url.path == f"{root}/index.json":
            self.json({"offerCode": OFFER, "currentVersion": VERSION, "versions": {VERSION: {}}})
        elif url.path.startswith(f"{root}/{VERSION}/"):
            self.answer(upstreams.price_list.pieces(), length=upstreams.price_list.length)
        elif url.path == "/api/retail/prices":
            self.azure(int(parse_qs(url.query).get("$skip", ["0"])[0]) // PAGE_ITEMS)
        else:
            self.send_error(404)

    def azure(self, number):
        upstreams = self.upstreams
        if number >= upstreams.azure_pages:
            items, link = b"", "null"
        else:
            items = copy(upstreams.azure, number)
            more = number + 1 < upstreams.azure_pages
            link = f'"http://{self.headers["Host"]}/api/retail/prices?$skip={(number + 1) * PAGE_ITEMS}"' if more else "null"
        envelope = b'{"BillingCurrency":"USD","CustomerEntityId":"Default","CustomerEntityType":"Retail","Items":['
        self.answer(envelope + items + f'],"NextPageLink":{link},"Count":{PAGE_ITEMS if items else 0}}}'.encode())

    def do_POST(self):
        upstreams = self.upstreams
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode(), keep_blank_values=True)
        action = form["Action"][0]
        if action == "DescribeRegions":
            items = "".join(
                f"<item><regionName>{region}</regionName><optInStatus>opt-in-not-required</optInStatus></item>"
                for region in upstreams.regions
            )
            body = f'<DescribeRegionsResponse xmlns="{NAMESPACE}"><regionInfo>{items}</regionInfo></DescribeRegionsResponse>'
            self.answer(body.encode(), "text/xml")
        elif action == "DescribeSpotPriceHistory":
            time.sleep(upstreams.spot_delay)
            number = int(form.get("NextToken", ["0"])[0] or 0)
            to = datetime.strptime(form["EndTime"][0][:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
            next_token = number + 1 if number + 1 < upstreams.spot_pages else None
            self.answer(spot_page(upstreams.spot, number, to, next_token), "text/xml")
        else:
            self.send_error(400)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def main():
    Handler.upstreams = Upstreams(json.loads(sys.argv[1]) if len(sys.argv) > 1 else {})
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
