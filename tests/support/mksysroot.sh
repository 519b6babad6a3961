#!/usr/bin/env bash
# mksysroot.sh DIR TARGET...: builds core for bare-metal TARGETs (thumbv7em-none-eabihf, riscv32imc-unknown-none-elf, …)
# with Debian's compiler and its library source, once, into the private sysroot DIR. Where rustup has the targets, nobody needs this.
#
# Needs: apt-get install -y --no-install-recommends rustc-web rust-web-src
# Then:  RUSTC=/usr/bin/rustc RUSTFLAGS="--sysroot DIR -Clinker=ld.lld-19" cargo build --release --target TARGET
set -euo pipefail
sysroot=$(realpath -m "$1")
shift
# The library's own source needs unstable features, which this variable allows a stable compiler.
export RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_TARGET_DIR
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/src"
cat >"$scratch/Cargo.toml" <<'TOML'
[package]
name = "empty"
version = "0.0.0"
edition = "2021"
[profile.release]
panic = "abort"
[workspace]
TOML
echo '#![no_std]' >"$scratch/src/lib.rs"
missing=()
for target in "$@"; do
    [ -e "$sysroot/lib/rustlib/$target/lib/done" ] || missing+=("$target")
done
# All in one go: cargo compiles for several targets at once.
if [ ${#missing[@]} != 0 ]; then
    (cd "$scratch" && cargo build --quiet --release -Zbuild-std=core "${missing[@]/#/--target=}")
fi
for target in "${missing[@]}"; do
    lib=$sysroot/lib/rustlib/$target/lib
    mkdir -p "$lib"
    for crate in core compiler_builtins; do
        cp "$scratch/target/$target/release/deps/lib$crate"-*.rlib "$lib/"
    done
    touch "$lib/done"
done
# Build scripts run on the host.
host=$($RUSTC -vV | sed -n 's/^host: //p')
ln -sfn "$($RUSTC --print sysroot)/lib/rustlib/$host" "$sysroot/lib/rustlib/$host"
