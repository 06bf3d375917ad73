#!/usr/bin/env bash
# Everything the build needs, by package name: Debian packages and a .venv with LibTorch. Safe to run again.
# TORCH=DIR (a LibTorch folder, or a Python's torch folder) skips the torch wheel.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(g++ cmake ninja-build ccache mold pkg-config git python3 python3-venv
  libjpeg62-turbo-dev libpng-dev libwebp-dev libgif-dev zlib1g-dev libavif-dev
  libavformat-dev libavcodec-dev libswscale-dev libavutil-dev libarchive-dev
  libpcre2-dev libutf8proc-dev nettle-dev nlohmann-json3-dev libtomlplusplus-dev libcli11-dev
  libjemalloc-dev libgtest-dev libgmock-dev libbenchmark-dev)

missing=()
if command -v dpkg-query >/dev/null; then
  for p in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || missing+=("$p")
  done
fi
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" = 0 ]; then
    echo "setup: installing ${missing[*]}"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  else
    echo "setup: these Debian packages are missing. As root, run:" >&2
    echo "  apt-get install -y --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
fi

if [ -z "${TORCH:-}" ]; then
  wanted="torch==2.13.0 pyarrow==26.0.1 numpy==2.4.6"
  [ -x .venv/bin/python ] || python3 -m venv .venv
  if [ "$(cat .venv/installed 2>/dev/null)" != "$wanted" ]; then
    echo "setup: installing $wanted into .venv"
    .venv/bin/python -m pip install -q --disable-pip-version-check $wanted
    echo "$wanted" > .venv/installed
  fi
fi
