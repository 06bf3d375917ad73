#!/usr/bin/env bash
# llama.cpp beside the Python peers: the copy that the sources of llama-cpp-python carry, built for this machine, in .venv-peers/llama.
#   tools/peers/build_llama.sh [FOLDER]      about 15 minutes on two cores; does nothing where it is built
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
out=${1:-$here/.venv-peers/llama}
pip="$here/.venv-peers/bin/pip"
version=0.3.36
[ -x "$out/build/bin/llama-mtmd-cli" ] && exit 0
mkdir -p "$out"
"$pip" install -q scikit-build-core==1.1.2
"$pip" download -q --no-deps --no-build-isolation --no-binary :all: -d "$out" llama-cpp-python==$version
tar xf "$out/llama_cpp_python-$version.tar.gz" -C "$out" --strip-components=3 "llama_cpp_python-$version/vendor/llama.cpp"
rm "$out/llama_cpp_python-$version.tar.gz"
cmake -S "$out" -B "$out/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=ON -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF \
  -DLLAMA_BUILD_SERVER=OFF > "$out/cmake.log" 2>&1 || { tail -20 "$out/cmake.log"; exit 1; }
ninja -C "$out/build" -j2 bin/llama-bench bin/llama-batched-bench bin/llama-quantize bin/llama-mtmd-cli > "$out/build.log" 2>&1 || { tail -20 "$out/build.log"; exit 1; }
