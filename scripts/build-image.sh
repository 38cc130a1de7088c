#!/usr/bin/env bash
# Builds the image of one target of the Dockerfile, with docker, podman or buildah, whichever works here:
#   scripts/build-image.sh cpu                                  # as localhost/entp-cpu:VERSION
#   BASE=localhost/entp-base:bookworm scripts/build-image.sh gpu localhost/entp-gpu:test
# Packages come from where pip is told to find them: its index, its extra indexes, its certificate bundle, and its
# folder of wheels, which for the cpu target replaces PyTorch's own index (TORCH_INDEX names another).
set -euo pipefail
cd "$(dirname "$0")/.."

target=${1:?usage: build-image.sh cpu|gpu [TAG]}
version=$(sed -n 's/^__version__ = "\(.*\)"/\1/p' entp/__init__.py)
revision=$(git rev-parse HEAD 2> /dev/null && { git diff --quiet HEAD || echo "-dirty"; }) || revision=unknown
tag=${2:-localhost/entp-$target:$version}

if docker buildx version > /dev/null 2>&1 && docker info > /dev/null 2>&1; then
  build=(docker buildx build --load)
elif podman info > /dev/null 2>&1; then
  build=(podman build --layers)
elif buildah info > /dev/null 2>&1; then
  build=(buildah build --layers --isolation chroot)
else
  echo "no working docker (with buildx), podman or buildah on this machine" >&2
  exit 4
fi

# What pip is configured with: its environment variable, else its configuration file.
pip_setting() {
  local variable=PIP_${1^^}
  variable=${variable//-/_}
  echo "${!variable:-$("${PYTHON:-python3}" -m pip config get "global.$1" 2> /dev/null || true)}"
}

# Indexes may carry a password, so they travel as a secret, which no layer keeps. Folders as indexes stay behind.
web_addresses() { grep -oE 'https?://[^ ]+' <<< "$1" | paste -sd ' ' || true; }
index=$(web_addresses "$(pip_setting index-url)")
extra=$(web_addresses "$(pip_setting extra-index-url)")
ca=$(pip_setting cert)
settings=$(mktemp)
trap 'rm -f "$settings"' EXIT
{
  [ -z "$index" ] || printf 'export PIP_INDEX_URL=%q UV_DEFAULT_INDEX=%q\n' "$index" "$index"
  [ -z "$extra" ] || printf 'export PIP_EXTRA_INDEX_URL=%q UV_INDEX=%q\n' "$extra" "$extra"
  [ -z "$ca" ] || echo 'export PIP_CERT=/run/secrets/ca SSL_CERT_FILE=/run/secrets/ca'
} > "$settings"

options=(--secret "id=index,src=$settings" --build-arg "VERSION=$version" --build-arg "REVISION=${revision//$'\n'/}")
[ -z "$ca" ] || options+=(--secret "id=ca,src=$ca")
[ -z "${BASE:-}" ] || options+=(--build-arg "BASE=$BASE")

wheels=
for place in $(pip_setting find-links); do
  [ ! -d "$place" ] || wheels=$place
done
if [ "$target" = cpu ] && [ -n "$wheels" ]; then
  options+=(--build-context "wheels=$wheels" --build-arg "TORCH_INDEX=${TORCH_INDEX:-}")
elif [ "$target" = cpu ] && [ -n "${TORCH_INDEX:-}" ]; then
  options+=(--build-arg "TORCH_INDEX=$TORCH_INDEX")
fi

"${build[@]}" --target "$target" --tag "$tag" "${options[@]}" .
echo "built $tag"
