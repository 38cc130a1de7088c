#!/usr/bin/env bash
# Makes a small Debian 12 image with Python 3.11 where no image registry can be reached, to be named as BASE:
#   scripts/make-base-image.sh localhost/entp-base:bookworm
# Needs root, buildah, debootstrap and a Debian mirror. For trying things out: it holds Debian's point release, without
# the security updates since.
set -euo pipefail

image=${1:?usage: make-base-image.sh IMAGE}

container=$(buildah from scratch)
trap 'buildah rm "$container" > /dev/null' EXIT
root=$(buildah mount "$container")

debootstrap --variant=minbase --include=ca-certificates,python3,python3-venv bookworm "$root"
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/* "$root"/usr/share/{doc,man,locale}/*

buildah config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin --cmd python3 "$container"
buildah umount "$container" > /dev/null
buildah commit "$container" "$image"
