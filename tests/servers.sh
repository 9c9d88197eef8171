#!/bin/sh
# Installs what the tests run Contrail against and did not write: the S3 servers moto, ministack and s3rver, and the
# readers DuckDB, pandas, pyarrow, Polars, ClickHouse and Spark, and a grammar of Trino. They go below target/test-servers (or
# CONTRAIL_TEST_SERVERS) and are installed again only when this file or the requirements change. What is missing
# afterwards, its tests skip.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
servers=${CONTRAIL_TEST_SERVERS:-$here/../target/test-servers}
wanted=$(cat "$0" "$here/requirements.txt" | cksum)
node_packages="s3rver@3.7.1 dt-sql-parser@4.5.1 esbuild@0.28.2"

mkdir -p "$servers"
servers=$(cd "$servers" && pwd)

if ! command -v python3 >/dev/null; then
    echo "SKIPPED: python3 is not here, so moto and ministack are not installed" >&2
elif [ "$(cat "$servers/venv.stamp" 2>/dev/null)" != "$wanted" ]; then
    rm -rf "$servers/venv" "$servers/venv.stamp"
    if python3 -m venv "$servers/venv" &&
        "$servers/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"; then
        echo "$wanted" >"$servers/venv.stamp"
    else
        rm -rf "$servers/venv"
        echo "SKIPPED: moto and ministack could not be installed" >&2
    fi
fi

# Adds what requirements-$1.txt names to the environment $2.
add() {
    wanted_extra=$(cksum <"$here/requirements-$1.txt")
    [ "$(cat "$servers/$2/$1.stamp" 2>/dev/null)" != "$wanted_extra" ] || return 0
    if [ -d "$servers/$2" ] || python3 -m venv "$servers/$2"; then
        "$servers/$2/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements-$1.txt" &&
            echo "$wanted_extra" >"$servers/$2/$1.stamp" && return 0
    fi
    echo "SKIPPED: what requirements-$1.txt names could not be installed" >&2
}

if [ -d "$servers/venv" ]; then
    add clickhouse venv
    # An environment of its own: its extensions come with Python for another release than the one above.
    add duckdb-s3 duckdb-s3
    if command -v java >/dev/null; then
        add spark venv
    else
        echo "SKIPPED: java is not here, so Spark is not installed" >&2
    fi
fi

if ! command -v npm >/dev/null; then
    echo "SKIPPED: npm is not here, so s3rver and the grammar of Trino are not installed" >&2
elif [ "$(cat "$servers/node.stamp" 2>/dev/null)" != "$wanted" ]; then
    rm -rf "$servers/node" "$servers/node.stamp"
    mkdir -p "$servers/node"
    # shellcheck disable=SC2086 # several packages
    if npm install --silent --no-audit --no-fund --prefix "$servers/node" $node_packages; then
        echo "$wanted" >"$servers/node.stamp"
    else
        rm -rf "$servers/node"
        echo "SKIPPED: s3rver and the grammar of Trino could not be installed" >&2
    fi
fi
