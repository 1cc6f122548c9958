"""The same pipelines by Python's own csv and sqlite3 modules.

On stdin, as JSON: {"tables": {name: {"path", "columns": {name: "integer" | "real" | "text"}}}, "steps": [...],
"selects": [...], "written": path}. On stdout: {"rows": [[...], ...] for each select, "plain": [...] the answers to the
questions below, reckoned without any SQL, "written": [[...], ...] the fields of a CSV file that the handler wrote}.
"""

import csv
import json
import sqlite3
import sys
from collections import defaultdict


def table(path, columns):
    """Names and rows of a CSV file."""
    read = {"integer": int, "real": float, "text": str}
    with open(path, newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        names = next(reader)
        rows = [[None if f == "" else read[columns[n]](f) for n, f in zip(names, row)] for row in reader if row]
    return names, rows


def plain(orders, customers):
    """Group by, join and windows over the tables of the test, written out."""
    names, rows = orders
    orders = [dict(zip(names, row)) for row in rows]
    names, rows = customers
    customers = {row[0]: dict(zip(names, row)) for row in rows}
    totals, counts = defaultdict(float), defaultdict(int)
    for order in orders:
        counts[order["customer"]] += 1
        totals[order["customer"]] += order["amount"] or 0.0
    grouped = [[c, counts[c], totals[c]] for c in sorted(counts)]
    joined = defaultdict(int)
    for order in orders:
        customer = customers.get(order["customer"])
        joined[customer["town"] if customer else None] += 1
    joined = [[town, joined[town]] for town in sorted(joined, key=lambda t: (t is not None, t))]
    running, windows = defaultdict(int), []
    for order in sorted(orders, key=lambda o: (o["customer"], o["id"])):
        running[order["customer"]] += 1
        windows.append([order["id"], running[order["customer"]]])
    return [grouped, joined, sorted(windows)]


def main():
    asked = json.load(sys.stdin)
    database = sqlite3.connect(":memory:")
    tables = {}
    for name, of in asked["tables"].items():
        names, rows = tables[name] = table(of["path"], of["columns"])
        columns = ", ".join(f'"{n}" {of["columns"][n]}' for n in names)
        database.execute(f"CREATE TABLE {name} ({columns})")
        database.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(names))})", rows)
    for step in asked["steps"]:
        database.execute(step)
    with open(asked["written"], newline="", encoding="utf-8") as file:
        written = list(csv.reader(file))
    rows = [database.execute(select).fetchall() for select in asked["selects"]]
    print(json.dumps({"rows": rows, "plain": plain(tables["orders"], tables["customers"]), "written": written}))


main()
