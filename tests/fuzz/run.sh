#!/usr/bin/env bash
# Runs every fuzz target for FUZZ_SECONDS (600), each dialect apart; FUZZ_ONLY picks those whose name holds it.
# Run by `make fuzz`, which sees to the tools. Arguments: where to build and to keep what was found.
set -uo pipefail
cd "$(dirname "$0")/../.."
out=$1
seconds=${FUZZ_SECONDS:-600}

# libFuzzer's flags are for nightly compilers. Where there is none, the one that is installed is told to take them all
# the same; RUSTC_BOOTSTRAP=1 does that on purpose.
build=(cargo fuzz build --fuzz-dir tests/fuzz --sanitizer none --target-dir "$out/build" any)
if [[ -z ${RUSTC_BOOTSTRAP:-} ]] && rustup run nightly rustc --version >/dev/null 2>&1; then
  RUSTUP_TOOLCHAIN=nightly "${build[@]}" || exit 1
else
  RUSTC_BOOTSTRAP=1 "${build[@]}" || exit 1
fi
triple=$(rustc -vV | sed -n 's/^host: //p')
cargo run --quiet --release --manifest-path tests/fuzz/Cargo.toml --target-dir "$out/host" --bin seeds -- "$out/corpus" || exit 1

# Field names are what random bytes never find: they are the words of the dictionary.
grep -rhoE '= "[A-Za-z_]{3,}"' src/dialect src/embedding src/rerank src/config | sort -u |
  sed -E 's/= "(.*)"/"\\"\1\\""/' > "$out/words.dict"

failed=()
mkdir -p "$out/found"
for corpus in "$out"/corpus/*"${FUZZ_ONLY:-}"*/; do
  name=$(basename "$corpus")
  export TOLLGATE_FUZZ=${name%%-*}
  unset TOLLGATE_FUZZ_DIALECT
  [[ $name == *-* ]] && export TOLLGATE_FUZZ_DIALECT=${name#*-}
  echo "== $name"
  if ! "$out/build/$triple/release/any" "$corpus" -dict="$out/words.dict" -artifact_prefix="$out/found/$name-" \
    -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=8192 -print_final_stats=1 \
    > "$out/$name.log" 2>&1; then
    failed+=("$name")
    grep -m3 -E 'panicked|ERROR|Test unit' -A2 "$out/$name.log"
  fi
  grep -E 'number_of_executed_units|peak_rss' "$out/$name.log" || tail -3 "$out/$name.log"
done

if ((${#failed[@]})); then
  echo "found something: ${failed[*]}; inputs are in $out/found, and belong in tests/fuzz/regressions/TARGET once mended"
  exit 1
fi
