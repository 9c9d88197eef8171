#!/usr/bin/env python3
"""Compares a lake with what a simulated cloud says, sharing nothing with the program that filled it.

    check_lake.py --now TIME --since TIME DIRECTORY URL

DIRECTORY is a copy of a bucket, each object with its user metadata as JSON in `<object>.facts` beside it; URL is a
`contrail sandbox` without faults, of the seed, scale and time that the lake was filled from. All that was due at `--now`
must be there, and the spot history from `--since` on. Prints what was compared and exits with 0, or prints what is
wrong and exits with 1. Python's standard library only.
"""

import argparse
import gzip
import hashlib
import json
import re
import string
import sys
import urllib.parse
import urllib.request
import xml.etree.ElementTree as xml
from collections import Counter, defaultdict
from datetime import datetime, timedelta, timezone
from pathlib import Path

MOMENT = r"\d{8}T\d{6}Z"
DAY = r"dt=\d{4}-\d{2}-\d{2}"
NAME = r"[A-Za-z0-9._-]+"
RAW = {
    "window": rf"raw/aws_spot_prices/{DAY}/region=({NAME})/({MOMENT})-({MOMENT})\.ndjson\.gz",
    "audit": rf"raw/aws_spot_prices/{DAY}/region=({NAME})/(\d{{8}})-\d{{8}}\.late\.ndjson\.gz",
    "version": rf"raw/aws_price_list/{DAY}/offer=({NAME})/region=({NAME})/(\d+)\.json\.gz",
    "plan": rf"raw/aws_savings_plans/{DAY}/plan=({NAME})/region=({NAME})/(\d+)\.json\.gz",
    "edition": rf"raw/aws_spot_advisor/{DAY}/({MOMENT})\.json\.gz",
    "slot": rf"raw/azure_retail_prices/{DAY}/currency=({NAME})/price_type=({NAME})/({MOMENT})\.ndjson\.gz",
}
OTHER = [
    r"_contrail/lake\.json",
    r"_contrail/probe",
    rf"_contrail/runs/{DAY}/{MOMENT}-[0-9a-f]{{8}}\.ndjson\.gz",
    rf"_contrail/marks/raw/.+\.(unchanged|lost)\.json",
]
HOUR, QUARTER_DAY, DAY_LONG = timedelta(hours=1), timedelta(hours=6), timedelta(days=1)
# A window is due when it has settled, an audit when its day is long over.
SETTLE, AUDIT = timedelta(minutes=10), timedelta(hours=6)
AZURE = {("USD", price_type) for price_type in ("Consumption", "DevTestConsumption", "Reservation")}
faults = []


def fault(text):
    faults.append(text)


def lines_of(key, payload):
    text = payload.decode()
    if text and not text.endswith("\n"):
        fault(f"{key}: the last line is cut")
    return [json.loads(line, parse_float=str) for line in text.splitlines()]


def read_lake(root):
    """The payload of each object by key, each checked against its own metadata."""
    payloads, facts = {}, {}
    lake = next(root.rglob("lake.json")).parent.parent
    for path in sorted(path for path in root.rglob("*") if path.is_file() and path.suffix != ".facts"):
        key = path.relative_to(lake).as_posix() if path.is_relative_to(lake) else str(path)
        if not any(re.fullmatch(known, key) for known in [*RAW.values(), *OTHER]):
            fault(f"{key} has no place in a lake")
            continue
        fact = json.loads(path.with_name(path.name + ".facts").read_text())
        try:
            payload = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        except (OSError, EOFError) as error:
            fault(f"{key} cannot be read: {error}")
            continue
        if fact.get("contrail-sha256") != hashlib.sha256(payload).hexdigest():
            fault(f"{key}: its sha256 is not what its metadata say")
        if fact.get("contrail-bytes") != str(len(payload)):
            fault(f"{key}: its length is not what its metadata say")
        payloads[key], facts[key] = payload, fact
    return payloads, facts


def ask_ec2(url, region, action, **parameters):
    form = urllib.parse.urlencode({"Action": action, "Version": "2016-11-15", **parameters}).encode()
    credential = f"AKID/20260101/{region}/ec2/aws4_request"
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    with urllib.request.urlopen(urllib.request.Request(url, form, headers)) as answer:
        tree = xml.fromstring(answer.read())
    for element in tree.iter():
        element.tag = element.tag.rsplit("}", 1)[-1]
    return tree


def regions_of(url):
    items = ask_ec2(url, "us-east-1", "DescribeRegions").find("regionInfo")
    return {item.findtext("regionName") for item in items if item.findtext("optInStatus") != "not-opted-in"}


def spot_history(url, region, start, end):
    token = ""
    while True:
        parameters = {"StartTime": start.isoformat(), "EndTime": end.isoformat(), "MaxResults": 1000}
        if token:
            parameters["NextToken"] = token
        answer = ask_ec2(url, region, "DescribeSpotPriceHistory", **parameters)
        for item in answer.find("spotPriceHistorySet"):
            names = ["availabilityZone", "instanceType", "productDescription", "spotPrice", "timestamp"]
            yield tuple(item.findtext(name) for name in names)
        token = answer.findtext("nextToken")
        if not token:
            return


def moment(text):
    forms = {8: "%Y%m%d", 16: "%Y%m%dT%H%M%SZ", 20: "%Y-%m-%dT%H:%M:%SZ"}
    form = forms.get(len(text), "%Y-%m-%dT%H:%M:%S.%fZ")
    return datetime.strptime(text, form).replace(tzinfo=timezone.utc)


def floor(time, period):
    return time - (time - datetime.min.replace(tzinfo=timezone.utc)) % period


def first_window(since, created):
    """The start of the first window that is whole: they are days before the lake's own first day, then hours."""
    period = DAY_LONG if since < floor(created, DAY_LONG) else HOUR
    return floor(since + period - timedelta.resolution, period)


def check_spot(url, payloads, now, since):
    """Nothing that is due is missing; no hole, no row lost, none twice, none that was never said."""
    created = moment(json.loads(payloads["_contrail/lake.json"])["created_at"])
    windows, audits, held = defaultdict(list), defaultdict(set), defaultdict(Counter)
    for key, payload in payloads.items():
        window, audit = re.fullmatch(RAW["window"], key), re.fullmatch(RAW["audit"], key)
        if window:
            windows[window[1]].append((moment(window[2]), moment(window[3])))
        if audit:
            audits[audit[1]].add(moment(audit[2]))
        if window or audit:
            fields = ["AvailabilityZone", "InstanceType", "ProductDescription", "SpotPrice", "Timestamp"]
            region = (window or audit)[1]
            held[region].update(tuple(row[field] for field in fields) for row in lines_of(key, payload))
    if set(windows) != regions_of(url):
        fault(f"regions are {sorted(regions_of(url))}, and the lake has {sorted(windows)}")
    rows = 0
    for region, spans in windows.items():
        spans.sort()
        for (_, end), (start, _) in zip(spans, spans[1:]):
            if end != start:
                fault(f"{region}: from {end} to {start} there is a hole or an overlap")
        begins, ends = spans[0][0], spans[-1][1]
        if begins > first_window(since, created):
            fault(f"{region}: nothing is known from {first_window(since, created)} to {begins}")
        if ends < floor(now - SETTLE, HOUR):
            fault(f"{region}: nothing is known after {ends}")
        # Earlier days were fetched long after their end.
        day = max(floor(created, DAY_LONG) - DAY_LONG, floor(begins + DAY_LONG - timedelta.resolution, DAY_LONG))
        while day + DAY_LONG + AUDIT <= now:
            if day not in audits[region]:
                fault(f"{region}: {day:%Y-%m-%d} was not audited")
            day += DAY_LONG
        for row, times in held[region].items():
            if times > 1:
                fault(f"{region}: {row} is in the lake {times} times")
        said = set(spot_history(url, region, begins, ends))
        due = {row for row in said if begins <= moment(row[4]) < ends}
        for row in sorted(due - set(held[region]))[:5]:
            fault(f"{region}: {row} is lost")
        for row in sorted(set(held[region]) - said)[:5]:
            fault(f"{region}: nobody ever said {row}")
        rows += len(due)
    return rows


def check_price_lists(url, payloads):
    """Each current version is there, and every version is what the upstream has under its name."""
    versions = {}
    for key, payload in payloads.items():
        if found := re.fullmatch(RAW["version"], key):
            versions[found[1], found[2], found[3]] = payload
    with urllib.request.urlopen(f"{url}/offers/v1.0/aws/AmazonEC2/current/region_index.json") as answer:
        index = json.load(answer)["regions"]
    known = regions_of(url)
    for region, entry in index.items():
        version = entry["currentVersionUrl"].split("/")[-3]
        if region in known and ("AmazonEC2", region, version) not in versions:
            fault(f"the current price list of {region}, {version}, is not there")
    for (offer, region, version), payload in versions.items():
        with urllib.request.urlopen(f"{url}/offers/v1.0/aws/{offer}/{version}/{region}/index.json") as answer:
            if answer.read() != payload:
                fault(f"the price list {version} of {offer} in {region} is not what the upstream has")
    return len(versions)


def check_savings_plans(url, payloads):
    """Each current version is there, and every version is what the upstream has under its name."""
    versions = {}
    for key, payload in payloads.items():
        if found := re.fullmatch(RAW["plan"], key):
            versions[found[1], found[2], found[3]] = payload
    with urllib.request.urlopen(f"{url}/offers/v1.0/aws/index.json") as answer:
        offers = json.load(answer)["offers"].values()
    known = regions_of(url)
    for link in {offer["currentSavingsPlanIndexUrl"] for offer in offers if "currentSavingsPlanIndexUrl" in offer}:
        with urllib.request.urlopen(url + link) as answer:
            index = json.load(answer)["regions"]
        for entry in index:
            plan, version, region = entry["versionUrl"].split("/")[-4:-1]
            if region in known and (plan, region, version) not in versions:
                fault(f"the current price list of {plan} in {region}, {version}, is not there")
    for (plan, region, version), payload in versions.items():
        with urllib.request.urlopen(f"{url}/savingsPlan/v1.0/aws/{plan}/{version}/{region}/index.json") as answer:
            if answer.read() != payload:
                fault(f"the price list {version} of {plan} in {region} is not what the upstream has")
    return len(versions)


def check_spot_advisor(url, payloads, now):
    """The slot that is open was looked at, and each edition is what the upstream has, to the byte."""
    with urllib.request.urlopen(f"{url}/spot-advisor-data.json") as answer:
        said = answer.read()
    slots = set()
    for key, payload in payloads.items():
        slot = re.fullmatch(RAW["edition"], key.removeprefix("_contrail/marks/").removesuffix(".unchanged.json"))
        if slot:
            slots.add(moment(slot[1]))
            if key.startswith("raw/") and payload != said:
                fault(f"{key} is not what the upstream has")
    if floor(now, QUARTER_DAY) not in slots:
        fault(f"of the Spot Instance Advisor there are the slots {sorted(slots)}")


def check_azure(url, payloads, now):
    """Each stream has the slot of today, and each item of a listing is there once."""
    items, pages, slots = 0, 0, defaultdict(set)
    for key in payloads:
        # A slot that is as the one before is only marked.
        slot = re.fullmatch(RAW["slot"], key.removeprefix("_contrail/marks/").removesuffix(".unchanged.json"))
        if not slot:
            continue
        slots[slot[1], slot[2]].add(moment(slot[3]))
        if not key.startswith("raw/"):
            continue
        query = f"api-version=2023-01-01-preview&currencyCode='{slot[1]}'&$filter=priceType eq '{slot[2]}'"
        page, said = f"{url}/api/retail/prices?{urllib.parse.quote(query, safe='=&$')}", Counter()
        while page:
            # Links come with spaces in them, as Azure's own do.
            with urllib.request.urlopen(urllib.parse.quote(page, safe=string.punctuation)) as answer:
                listing = json.loads(answer.read(), parse_float=str)
            pages += 1
            said.update(json.dumps(item, sort_keys=True) for item in listing["Items"])
            page = listing.get("NextPageLink")
        held = Counter(json.dumps(item, sort_keys=True) for item in lines_of(key, payloads[key]))
        if set(held) != set(said) or max(held.values(), default=1) > 1:
            fault(f"{key} has {len(held)} items, and {len(said)} were said")
        items += len(held)
    if set(slots) != AZURE:
        fault(f"the streams of Azure are {sorted(AZURE)}, and the lake has {sorted(slots)}")
    for stream, times in slots.items():
        if max(times) < floor(now, DAY_LONG):
            fault(f"{stream}: nothing is known after the slot of {max(times)}")
    return items, pages


def check_run_log(payloads, facts):
    """What a line calls stored is there, and is what the line says; and each object has its line."""
    stored = set()
    for log in (key for key in payloads if key.startswith("_contrail/runs/")):
        for line in lines_of(log, payloads[log]):
            if line["outcome"] in ("stored", "empty", "suspect"):
                stored.add(line["key"])
                fact = facts.get(line["key"], {})
                if fact.get("contrail-sha256") != line["sha256"] or fact.get("contrail-rows") != str(line["rows"]):
                    fault(f"{log} and {line['key']} do not agree")
    for key in payloads:
        if key.startswith("raw/") and key not in stored:
            fault(f"{key} has no line in any run log")


def main():
    parser = argparse.ArgumentParser(description="Compares a lake with what a simulated cloud says.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("url")
    parser.add_argument("--now", type=moment, required=True)
    parser.add_argument("--since", type=moment, required=True)
    given = parser.parse_args()
    url, now = given.url, given.now
    payloads, facts = read_lake(given.directory)
    for key in payloads:
        if key.endswith(".lost.json"):
            fault(f"{key}: it could be had")
    rows = check_spot(url, payloads, now, given.since)
    versions = check_price_lists(url, payloads) + check_savings_plans(url, payloads)
    check_spot_advisor(url, payloads, now)
    items, pages = check_azure(url, payloads, now)
    check_run_log(payloads, facts)
    for text in faults[:20]:
        print(text)
    print(
        f"{len(payloads)} objects read, {rows} spot rows, {versions} price lists and {items} Azure items "
        f"on {pages} pages compared, {len(faults)} faults"
    )
    sys.exit(1 if faults else 0)


main()
